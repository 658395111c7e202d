from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.app.api.client import running
from tests.app.fakes import FakeCoder, few_codes
from tests.deploy.exported import exported


@pytest.fixture(scope="session")
def service_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    with (
        closing(few_codes(tmp_path_factory.mktemp("catalog"))) as catalog,
        running(lambda: FakeCoder(catalog)) as client,
    ):
        client.wait_until_ready()
        yield exported(client)
