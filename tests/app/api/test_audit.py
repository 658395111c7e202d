"""The audit log: who did what, by which versions, how much. Canaries of note, key and token are nowhere in it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.access.scopes import Scope
from tests.app.access.signing import AUDIENCE, ISSUER, claims, key_set, sign
from tests.app.api.guarded import Keys, bearer, guarded
from tests.app.api.test_privacy import CANARY, log
from tests.app.fakes import POISON, FakeCoder

__all__ = ["log"]  # a fixture
FIELDS = {"time", "who", "by", "action", "request_id", "status", "ms"}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_answered_note_leaves_who_what_and_how_much(coder: FakeCoder, keys: Keys, tmp_path: Path) -> None:
    key, path = keys.add(Scope.CODE), tmp_path / "audit.jsonl"
    with guarded(coder, keys, audit_log=path) as client:
        answer = client.send("POST", "/v1/code", json={"text": "gout"}, headers=bearer(key))
        for open_path in ("/", "/livez", "/page/page.js"):
            client.get(open_path)
    [line] = lines(path)
    assert set(line) == FIELDS | {"notes", "characters", "codes", "versions"}
    assert (line["who"], line["by"], line["action"]) == (keys.entries[0].id, "key", "POST /v1/code")
    assert (line["status"], line["notes"], line["codes"]) == (200, 1, 1)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["versions"]["index"] == "index-1"


def test_refused_requests_are_recorded_by_template(coder: FakeCoder, keys: Keys, tmp_path: Path) -> None:
    batch, path = keys.add(Scope.BATCH), tmp_path / "audit.jsonl"
    with guarded(coder, keys, audit_log=path) as client:
        client.get(f"/v1/codes/{CANARY}")
        client.get(f"/v1/codes/{CANARY}", headers=bearer(batch))
        client.send(CANARY, f"/{CANARY}")
    found = [(line["who"], line["action"], line["status"]) for line in lines(path)]
    assert found == [
        (None, "GET /v1/codes/{code}", 401),
        (keys.entries[0].id, "GET /v1/codes/{code}", 403),
        (None, "other unmatched", 401),
    ]


def test_nothing_that_was_sent_is_recorded(coder: FakeCoder, keys: Keys, tmp_path: Path, log: Any) -> None:
    key, path = keys.add(Scope.CODE, Scope.METRICS), tmp_path / "audit.jsonl"
    (tmp_path / "jwks.json").write_bytes(key_set())
    jwt = {"jwks": str(tmp_path / "jwks.json"), "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    token = sign(claims(time.time(), sub=CANARY, scope="icd-cascade:code", name=CANARY))
    unknown = sign(claims(time.time(), sub=CANARY), kid=CANARY)
    body = {"text": f"{CANARY} has gout", "note_id": CANARY, "patient": {"reference": f"Patient/{CANARY}"}}
    poison = {"text": f"{POISON} {CANARY}"}
    with guarded(coder, keys, audit_log=path, **jwt) as client:
        errors = [client.send("POST", "/v1/code", json=body, headers=bearer(text)) for text in (CANARY, unknown)]
        errors += [client.send("POST", "/v1/code", json=poison, headers=bearer(text)) for text in (key, token)]
        for text in (key, token):
            assert client.send("POST", "/v1/code", json=body, headers=bearer(text)).status_code == 200
        errors.append(client.send("POST", "/v1/code", json=body, headers={"X-API-Key": CANARY, "Host": CANARY}))
        metrics = client.get("/metrics", headers=bearer(key)).text
    assert {error.status_code for error in errors} == {401, 500}
    written = path.read_text() + log.getvalue() + metrics + "".join(error.text for error in errors)
    for secret in (CANARY, key, key.split("_", 2)[2], token, token.rpartition(".")[2]):
        assert secret not in written
    assert len({line["who"] for line in lines(path)}) == 3  # the key, the subject's hash, nobody


def test_strangers_cannot_fill_the_disk(coder: FakeCoder, keys: Keys, tmp_path: Path, monkeypatch: Any) -> None:
    key, path = keys.add(Scope.CODE), tmp_path / "audit.jsonl"
    monkeypatch.setattr("app.api.audit._REFUSED_PER_MINUTE", 3)
    with guarded(coder, keys, audit_log=path) as client:
        for _ in range(10):
            client.get("/v1/info")
        client.get("/v1/info", headers=bearer(key))
    assert [line["status"] for line in lines(path)] == [401] * 3 + [200]
    assert lines(path)[-1]["omitted"] == 7


def test_nothing_is_done_that_cannot_be_recorded(coder: FakeCoder, keys: Keys, tmp_path: Path) -> None:
    key, path = keys.add(Scope.CODE), tmp_path / "audit.jsonl"
    path.symlink_to("/dev/full")
    with guarded(coder, keys, audit_log=path) as client:
        answers = [client.send("POST", "/v1/code", json={"text": "gout"}, headers=bearer(key)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 503, 503]
        assert answers[1].json()["type"] == "urn:icd-cascade:problem:access-unavailable"
        assert client.get("/livez").status_code == 200
        path.unlink()
        client.app.state.door.reload()
        assert client.send("POST", "/v1/code", json={"text": "gout"}, headers=bearer(key)).status_code == 200
    assert [line["status"] for line in lines(path)] == [200, 503, 503, 200]
    assert len(coder.options) == 2
