"""Requests that schemathesis derives from openapi.json: the answers are those of the contract, and repeat nothing.

Each operation is sent what its schema allows, what it forbids, and the boundaries between. Batches are also made,
polled, read, cancelled and deleted in any order, by the ids that the service gave out. Every run sends the same.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ensure_resource_availability,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from app.settings import Settings
from tests.app.api.client import Client, running
from tests.app.api.test_privacy import CANARY, log
from tests.app.backlog.test_api import parts_in_memory
from tests.app.fakes import FakeCoder, few_codes

__all__ = ["log"]  # a fixture

CONTRACT: Final = Path(__file__).parents[3] / "openapi.json"
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SAME: Final = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
contract = schemathesis.openapi.from_path(CONTRACT)
# Without the boundaries of every field, which are most of the requests.
drawn = schemathesis.openapi.from_path(
    CONTRACT, config=SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})
)


@schemathesis.serializer("application/x-ndjson")
def ndjson(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """The contract describes one line of an upload: this is an upload of one line."""
    return json.dumps(value).encode()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.backlog.assemble.open_parts", parts_in_memory)
        catalog = few_codes(tmp_path_factory.mktemp("fuzz"))
        with running(lambda: FakeCoder(catalog), Settings(shadow_share=0)) as client:
            client.wait_until_ready()
            yield client


def send(client: Client, case: schemathesis.Case[Any]) -> httpx.Response:
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    assert prepared.method is not None and prepared.url is not None
    return client.send(prepared.method, prepared.url, content=prepared.body, headers=dict(prepared.headers))


@contract.parametrize()
@settings(SAME, max_examples=5)
def test_every_answer_is_in_the_contract(client: Client, case: schemathesis.Case[Any]) -> None:
    case.validate_response(send(client, case), checks=CHECKS)


def test_batches_are_used_in_any_order(client: Client) -> None:
    seen: Counter[tuple[str, int]] = Counter()

    class Batches(contract.include(path_regex="^/v1/batches").as_state_machine()):  # type: ignore[misc]
        """Hands every step the ids of the steps before it."""

        def call(self, case: schemathesis.Case[Any], **options: Any) -> Response:
            response = send(client, case)
            seen[case.operation.label, response.status_code] += 1
            return Response.from_any(response)

        def validate_response(self, response: Response, case: schemathesis.Case[Any], **options: Any) -> None:
            checks = [*CHECKS, use_after_free, ensure_resource_availability]
            case.validate_response(response, checks=checks, recorder=self.recorder)

    run_state_machine_as_test(Batches, settings=settings(SAME, max_examples=6, stateful_step_count=10))
    # A walk that never gets past 404 would pass whatever the service did with a batch.
    assert {label for label, status in seen if status < 300} == {
        "POST /v1/batches",
        "GET /v1/batches",
        "GET /v1/batches/{batch_id}",
        "GET /v1/batches/{batch_id}/results",
        "POST /v1/batches/{batch_id}/cancel",
        "DELETE /v1/batches/{batch_id}",
    }


def planted(value: Any, key: bool) -> Any:
    """The same value with the canary for every string, and with key as a field of every object."""
    match value:
        case str():
            return CANARY
        case list():
            return [planted(one, key) for one in value]
        case dict():
            return {name: planted(one, key) for name, one in value.items()} | ({CANARY: CANARY} if key else {})
    return value


@drawn.parametrize()
@settings(SAME, max_examples=3)
@pytest.mark.parametrize("key", [False, True], ids=["value", "key"])
def test_nothing_sent_is_repeated(client: Client, log: io.StringIO, case: schemathesis.Case[Any], key: bool) -> None:
    case.body = planted(case.body, key)
    case.path_parameters = planted(case.path_parameters, False)
    case.query = planted(case.query, key)
    response = send(client, case)
    sent_back = response.text + repr(response.headers.raw) if response.is_error else ""  # evidence is the note's
    assert CANARY not in sent_back + log.getvalue()
