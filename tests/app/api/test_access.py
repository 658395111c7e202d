"""Wrong, expired, out-of-scope and missing credentials: answered 401 or 403, and none reaches the pipeline."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message

from app.access.keyfile import write_keys
from app.access.limits import CallerLimits
from app.access.scopes import Scope
from app.api.guard import is_open
from app.cli.openapi import document
from app.errors import UnsafeSetup
from app.settings import Settings
from tests.app.access.signing import AUDIENCE, ISSUER, claims, key_set, sign
from tests.app.api.client import Client, running
from tests.app.api.guarded import Keys, bearer, guarded
from tests.app.api.test_operations import samples
from tests.app.api.test_overload import eventually
from tests.app.fakes import FakeCoder

NOTE = {"text": "A note with gout."}
UNKNOWN = "icdc_0123456789ab_" + "A" * 43


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def post(client: Client, headers: dict[str, str] | list[tuple[str, str]] | None = None) -> httpx.Response:
    return client.send("POST", "/v1/code", json=NOTE, headers=headers)


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["type"].rpartition(":")[2]


def test_key_is_taken_in_either_header(coder: FakeCoder, keys: Keys) -> None:
    key = keys.add(Scope.CODE)
    with guarded(coder, keys) as client:
        assert post(client, bearer(key)).status_code == 200
        assert post(client, {"X-API-Key": key}).status_code == 200
        assert post(client, {"authorization": f"bearer  {key}"}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/code", "/v1/code/batch"])
def test_bad_credentials_are_refused_before_the_pipeline(coder: FakeCoder, keys: Keys, path: str) -> None:
    key, expired = keys.add(Scope.CODE), keys.add(Scope.CODE, days=-1)
    batch = keys.add(Scope.BATCH, Scope.ADMIN, Scope.METRICS)
    revoked = keys.add(Scope.CODE)
    write_keys(keys.path, [*keys.entries[:-1], replace(keys.entries[-1], revoked=datetime.now(UTC))])
    missing: list[Any] = [{}, {"Authorization": key}, {"Authorization": f"Basic {key}"}, {"Cookie": f"key={key}"}]
    invalid: list[Any] = [
        bearer(""),
        bearer(key[:-1]),
        bearer(f"{key} "[::-1]),
        bearer(UNKNOWN),
        bearer(expired),
        bearer(revoked),
        {"X-API-Key": ""},
        {"X-API-Key": UNKNOWN},
        {**bearer(key), "X-API-Key": key},
        [("X-API-Key", key), ("X-API-Key", UNKNOWN)],
    ]
    body = {"notes": [NOTE]} if path.endswith("batch") else NOTE
    with guarded(coder, keys) as client:
        for headers in missing:
            refused = client.send("POST", path, json=body, headers=headers)
            assert problem(refused) == (401, "unauthenticated")
            assert refused.headers["WWW-Authenticate"] == 'Bearer realm="icd-cascade"'
        details = set()
        for headers in invalid:
            refused = client.send("POST", path, json=body, headers=headers)
            assert problem(refused) == (401, "unauthenticated")
            assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
            details.add(refused.json()["detail"])
        assert len(details) == 2  # two credentials at once, or one that is not valid for whatever reason
        refused = client.send("POST", path, json=body, headers=bearer(batch))
        assert problem(refused) == (403, "forbidden")
        assert 'error="insufficient_scope", scope="code"' in refused.headers["WWW-Authenticate"]
        assert coder.options == []
        counts = samples_with(client, batch)["icd_request_duration_seconds_count"]
    assert counts[path, "401"] == len(missing) + len(invalid)


def samples_with(client: Client, key: str) -> dict[str, dict[tuple[str, ...], float]]:
    class Keyed:
        def get(self, path: str) -> httpx.Response:
            return client.get(path, headers=bearer(key))

    return samples(Keyed())  # type: ignore[arg-type]


def test_body_of_a_stranger_is_not_read(coder: FakeCoder, keys: Keys) -> None:
    keys.add(Scope.CODE)
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/code", "raw_path": b"/v1/code", "query_string": b""}
    extra = {"headers": [(b"content-type", b"application/json")], "http_version": "1.1", "scheme": "http"}
    with guarded(coder, keys) as client:
        client.start(lambda: client.app({**scope, **extra, "root_path": ""}, receive, send)).result(5)
    assert sent[0]["status"] == 401


PATHS = [("GET", "/v1/codes/M10.9", Scope.CODE), ("GET", "/v1/codes?q=gout", Scope.CODE)]
PATHS += [("POST", "/v1/code", Scope.CODE), ("POST", "/v1/code/batch", Scope.CODE)]
PATHS += [("POST", "/admin/reload", Scope.ADMIN), ("GET", "/metrics", Scope.METRICS), ("GET", "/metrics", Scope.ADMIN)]


@pytest.mark.parametrize(("method", "path", "scope"), PATHS)
def test_each_path_needs_its_scope(coder: FakeCoder, keys: Keys, method: str, path: str, scope: Scope) -> None:
    right = keys.add(scope)
    wrong = keys.add(*(set(Scope) - {wanted for _, same, wanted in PATHS if same == path}))
    with guarded(coder, keys) as client:
        assert client.send(method, path, json={}).status_code == 401
        assert client.send(method, path, json={}, headers=bearer(wrong)).status_code == 403
        assert client.send(method, path, json={}, headers=bearer(right)).status_code in (200, 422)


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/openapi.json", "/page/page.js"])
def test_open_paths_ask_for_nothing(coder: FakeCoder, keys: Keys, path: str) -> None:
    keys.add(Scope.CODE)
    with guarded(coder, keys) as client:
        assert client.get(path).status_code == 200
        assert client.get(path, headers=bearer("wrong")).status_code == 200


@pytest.mark.parametrize("path", ["/nowhere", "/docs", "/V1/code", "//v1/code", "/livez/", "/page", "/v1/info"])
def test_everything_else_is_closed_also_what_is_not_there(coder: FakeCoder, keys: Keys, path: str) -> None:
    key = keys.add(Scope.METRICS)
    with guarded(coder, keys) as client:
        assert client.get(path).status_code == 401
        assert client.get(path, headers=bearer(key)).status_code == (200 if path == "/v1/info" else 404)


def test_contract_names_the_schemes_of_every_closed_path() -> None:
    contract = json.loads(document())
    schemes = contract["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    for path, operations in contract["paths"].items():
        for operation in operations.values():
            closed = not is_open(path)
            assert bool(operation.get("security")) == closed, path
            assert ("401" in operation["responses"]) == closed, path


def test_metrics_are_open_if_told_so(coder: FakeCoder, keys: Keys) -> None:
    keys.add(Scope.CODE)
    with guarded(coder, keys, metrics_public=True) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/v1/info").status_code == 401


def test_revoked_key_is_refused_by_the_running_service(coder: FakeCoder, keys: Keys) -> None:
    key = keys.add(Scope.CODE)
    with guarded(coder, keys) as client:
        assert post(client, bearer(key)).status_code == 200
        write_keys(keys.path, [replace(keys.entries[0], revoked=datetime.now(UTC))])
        client.app.state.door.reload()
        assert post(client, bearer(key)).status_code == 401


def test_notes_per_minute_are_limited_for_each_key(coder: FakeCoder, keys: Keys) -> None:
    slow = keys.add(Scope.CODE, limits=CallerLimits(notes_per_minute=2))
    other = keys.add(Scope.CODE)
    with guarded(coder, keys, metrics_public=True) as client:
        batch = {"notes": [NOTE, NOTE]}
        assert client.send("POST", "/v1/code/batch", json=batch, headers=bearer(slow)).status_code == 200
        refused = post(client, bearer(slow))
        assert problem(refused) == (429, "rate-limited")
        assert 25 <= int(refused.headers["Retry-After"]) == refused.json()["retry_after"] <= 30
        assert post(client, bearer(other)).status_code == 200
        assert samples(client)["icd_shed_total"]["rate",] == 1
    assert len(coder.options) == 3


def test_requests_at_once_are_limited_for_each_key(coder: FakeCoder, keys: Keys) -> None:
    one = keys.add(Scope.CODE, limits=CallerLimits(concurrency=1))
    other = keys.add(Scope.CODE)
    coder.gate.clear()
    with guarded(coder, keys) as client:
        first = client.begin("POST", "/v1/code", json=NOTE, headers=bearer(one))
        eventually(lambda: client.app.state.service.batcher.load().running > 0)
        assert problem(post(client, bearer(one))) == (429, "overloaded")
        second = client.begin("POST", "/v1/code", json=NOTE, headers=bearer(other))
        coder.gate.set()
        assert (first.result(5).status_code, second.result(5).status_code) == (200, 200)


@pytest.fixture
def by_token(coder: FakeCoder, keys: Keys, tmp_path: Path) -> Iterator[Client]:
    keys.add(Scope.ADMIN)
    (tmp_path / "jwks.json").write_bytes(key_set())
    jwks = {"jwks": str(tmp_path / "jwks.json"), "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    with guarded(coder, keys, **jwks, jwt_scopes=("code=code.use",)) as client:
        yield client


def test_token_of_the_issuer_is_taken_beside_keys(by_token: Client, coder: FakeCoder) -> None:
    now = time.time()
    assert post(by_token, bearer(sign(claims(now)))).status_code == 200
    assert problem(post(by_token, bearer(sign(claims(now, scope="x"))))) == (403, "forbidden")
    assert problem(post(by_token, bearer(sign(claims(now, exp=now - 60))))) == (401, "unauthenticated")
    assert len(coder.options) == 1


def test_tokens_are_answered_503_while_the_issuer_is_down(coder: FakeCoder, tmp_path: Path) -> None:
    settings = Settings(jwks=str(tmp_path / "missing.json"), jwt_issuer=ISSUER, jwt_audience=AUDIENCE)
    with running(lambda: coder, settings) as client:
        refused = post(client, bearer(sign(claims(time.time()))))
        assert problem(refused) == (503, "access-unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        assert post(client, bearer("no token")).status_code == 401


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "0.0.0.0"},
        {"host": "192.0.2.1"},
        {"jwks": "jwks.json"},
        {"jwks": "jwks.json", "jwt_issuer": ISSUER},
        {"jwks": "http://issuer.example.org/jwks", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE},
        {"jwks": "jwks.json", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_algorithms": ("HS256",)},
        {"jwks": "jwks.json", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_algorithms": ()},
        {"jwks": "jwks.json", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_scopes": ("root=x",)},
        {"jwks": "jwks.json", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "identity_secret": "missing"},
        {"jwks": "jwks.json", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "insecure_no_auth": True},
        {"keys": "missing.json"},
    ],
)
def test_unsafe_setup_does_not_start(coder: FakeCoder, settings: dict[str, Any]) -> None:
    with pytest.raises(UnsafeSetup), running(lambda: coder, Settings(**settings)):
        pass


def test_file_without_a_valid_key_does_not_start(coder: FakeCoder, keys: Keys) -> None:
    keys.add(Scope.CODE, days=-1)
    with pytest.raises(UnsafeSetup, match="no valid key"), guarded(coder, keys):
        pass


def test_open_service_starts_on_other_addresses_only_if_told_so(coder: FakeCoder) -> None:
    with running(lambda: coder, Settings(host="0.0.0.0", insecure_no_auth=True)) as client:
        client.wait_until_ready()
        assert post(client, {"Host": "any.example.org"}).status_code == 200
