from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from index_builder.catalog import Catalog
from tests.app.api.client import Client, running
from tests.app.fakes import FakeCoder, few_codes


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    folder: Path = tmp_path_factory.mktemp("catalog")
    with closing(few_codes(folder)) as catalog:
        yield catalog


@pytest.fixture(scope="session")
def shared(catalog: Catalog) -> Iterator[Client]:
    """One client for tests that leave nothing behind; building an application takes longer than most of them."""
    with running(lambda: FakeCoder(catalog)) as client:
        client.wait_until_ready()
        yield client


@pytest.fixture
def coder(catalog: Catalog) -> FakeCoder:
    return FakeCoder(catalog)


@pytest.fixture
def client(coder: FakeCoder) -> Iterator[Client]:
    with running(lambda: coder) as client:
        client.wait_until_ready()
        yield client
