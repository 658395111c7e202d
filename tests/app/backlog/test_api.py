"""/v1/batches over HTTP: the service's own pipeline port, admission and contract; adapters in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.access.caller import Caller
from app.access.scopes import Scope
from app.backlog import limits as backlog_limits
from app.backlog.backlog import Parts
from app.backlog.batches import Batches
from app.backlog.folder import FolderStore
from app.backlog.keys import MasterKeys, new_key
from app.backlog.limits import BacklogLimits
from app.backlog.memory import MemoryQueue
from app.backlog.settings import BacklogSettings
from app.backlog.store import MemoryStore
from app.settings import Settings
from tests.app.api.client import Client, running
from tests.app.fakes import POISON, FakeCoder, few_codes

NDJSON = {"Content-Type": "application/x-ndjson"}
CANARY = "Kanarienvogel"


def parts_in_memory(
    settings: BacklogSettings, limits: BacklogLimits, loopback: bool, loop: asyncio.AbstractEventLoop
) -> Parts:
    return Parts(Batches(MemoryStore(), MasterKeys.parse(new_key()), limits), MemoryQueue(loop, concurrency=2))


@pytest.fixture
def coder(tmp_path: Path) -> FakeCoder:
    return FakeCoder(few_codes(tmp_path))


@pytest.fixture
def client(coder: FakeCoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr("app.backlog.assemble.open_parts", parts_in_memory)
    with running(lambda: coder, Settings(queue_tokens=200)) as client:
        client.wait_until_ready()
        yield client


def line(custom_id: str, **body: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "body": body}


def submit(client: Client, *lines: dict[str, Any], **headers: str) -> httpx.Response:
    content = "\n".join(json.dumps(one) for one in lines)
    return client.send("POST", "/v1/batches", content=content, headers=NDJSON | headers)


def wait(client: Client, location: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while not done(batch := client.get(location).json()):
        assert time.monotonic() < deadline, batch
        time.sleep(0.02)
    return dict(batch)


def ended(client: Client, location: str) -> dict[str, Any]:
    return wait(client, location, lambda batch: batch["status"] in ("completed", "cancelled", "failed", "expired"))


def results(client: Client, location: str) -> list[dict[str, Any]]:
    response = client.get(f"{location}/results")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/x-ndjson")
    return [json.loads(one) for one in response.text.splitlines()]


def test_batch_answers_like_single_requests_and_bad_notes_fail_alone(client: Client) -> None:
    sent = [
        line("gout", text="Gout of the toe.", note_id="n", offset_unit="utf16"),
        line("poison", text=f"{POISON} {CANARY}"),
        line("blank", text=" "),
        line("date", text="asthma", service_date="2026-05-31"),
        {"custom_id": "openai", "method": "POST", "url": "/v1/code", "body": {"text": "asthma"}},
        {"custom_id": "url", "url": "/v1/embeddings", "body": {"text": "asthma"}},
    ]
    response = submit(client, *sent)
    location = response.headers["Location"]
    assert response.status_code == 202
    assert location == f"/v1/batches/{response.json()['id']}"
    batch = ended(client, location)
    assert batch["status"] == "completed"
    assert batch["request_counts"] == {"total": 6, "completed": 3, "failed": 3}
    assert batch["completed_at"] >= batch["in_progress_at"] >= batch["created_at"]
    assert batch["expires_at"] is None
    assert batch["deleted_at"] == batch["completed_at"] + 7 * 86_400
    found = results(client, location)
    assert [one["custom_id"] for one in found] == [one["custom_id"] for one in sent]
    assert [one["response"]["status_code"] for one in found] == [200, 500, 422, 200, 200, 400]
    single = client.code(**sent[0]["body"]).json()
    answer = found[0]["response"]["body"]
    assert {k: v for k, v in answer.items() if k not in ("request_id", "timings_ms")} == {
        k: v for k, v in single.items() if k not in ("request_id", "timings_ms")
    }
    assert answer["request_id"] == found[0]["response"]["request_id"]
    assert found[1]["response"]["body"]["type"] == "urn:icd-cascade:problem:coding-failed"
    assert CANARY not in json.dumps(found) + client.get("/metrics").text
    assert 'icd_backlog_notes_total{result="completed"} 3.0' in client.get("/metrics").text


def test_more_notes_than_the_queue_takes_are_all_answered(client: Client) -> None:
    lines = [line(str(place), text="gout " * 40) for place in range(130)]  # 50 tokens each; the queue holds 200
    location = submit(client, *lines).headers["Location"]
    assert ended(client, location)["request_counts"] == {"total": 130, "completed": 130, "failed": 0}
    assert [one["custom_id"] for one in results(client, location)] == [str(place) for place in range(130)]


def test_single_note_is_answered_while_a_batch_runs(client: Client, coder: FakeCoder) -> None:
    coder.gate.clear()
    location = submit(client, *(line(str(place), text="gout " * 40) for place in range(64))).headers["Location"]
    waiting = client.begin("POST", "/v1/code", json={"text": "asthma"})
    coder.gate.set()
    assert waiting.result(5).status_code == 200
    assert ended(client, location)["request_counts"]["completed"] == 64


def test_json_upload_cancel_list_and_delete(client: Client, coder: FakeCoder) -> None:
    coder.gate.clear()
    made = client.send("POST", "/v1/batches", json={"requests": [line("a", text="gout")]}).json()
    location = f"/v1/batches/{made['id']}"
    listed = client.get("/v1/batches").json()
    assert [batch["id"] for batch in listed["data"]] == [made["id"]]
    assert (listed["has_more"], listed["last_id"]) == (False, made["id"])
    assert client.send("POST", f"{location}/cancel").json()["status"] == "cancelled"
    [cut] = results(client, location)
    assert (cut["custom_id"], cut["response"], cut["error"]["code"]) == ("a", None, "batch_cancelled")
    coder.gate.set()
    assert client.send("DELETE", location).json() == {"id": made["id"], "object": "batch.deleted", "deleted": True}
    for method, path in (("GET", location), ("GET", f"{location}/results"), ("POST", f"{location}/cancel")):
        assert client.send(method, path).status_code == 404
    assert client.send("DELETE", location).json()["type"] == "urn:icd-cascade:problem:unknown-batch"


@pytest.mark.parametrize("name", ["x", "batch_", "batch_" + "g" * 32, "batch_" + "0" * 32, "..%2f..%2fkeys"])
def test_unknown_batch_is_404_and_not_repeated(client: Client, name: str) -> None:
    response = client.get(f"/v1/batches/{name}")
    assert response.status_code == 404
    assert name not in response.text


def test_idempotency_key_over_http(client: Client) -> None:
    first = submit(client, line("a", text="gout"), **{"Idempotency-Key": "k"})
    again = submit(client, line("a", text="gout"), **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    other = submit(client, line("a", text=CANARY), **{"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["type"]) == (422, "urn:icd-cascade:problem:idempotency-mismatch")
    long = submit(client, line("a", text=CANARY), **{"Idempotency-Key": "k" * 256})
    assert (long.status_code, long.json()["errors"][0]["limit"]) == (422, 255)


@pytest.mark.parametrize(
    ("content", "headers", "status", "field"),
    [
        ("", NDJSON, 422, "requests"),
        ("{}", {"Content-Type": "text/plain"}, 415, None),
        ("{}", NDJSON | {"Content-Encoding": "gzip"}, 415, None),
        ("{}", NDJSON | {"Content-Length": "200000001"}, 413, "body"),
        ("[1]", {"Content-Type": "application/json"}, 422, "requests"),
        ('{"requests": [], "x": 1}', {"Content-Type": "application/json"}, 422, "requests"),
        ('{"requests": []}', {"Content-Type": "application/json"}, 422, "requests"),
        (CANARY, {"Content-Type": "application/json"}, 400, None),
        ("[" * 99, {"Content-Type": "application/json"}, 400, None),
        (f'{{"custom_id": "{CANARY}"}}\n' * 2, NDJSON, 422, "requests.1.custom_id"),
        ("x" * (backlog_limits.LINE_BYTES + 1), NDJSON, 413, "requests.0"),
    ],
)
def test_bad_upload_is_a_problem_that_names_the_field(
    client: Client, content: str, headers: dict[str, str], status: int, field: str | None
) -> None:
    response = client.send("POST", "/v1/batches", content=content, headers=headers)
    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status)
    assert [error["field"] for error in problem["errors"]] == ([] if field is None else [field])
    assert CANARY not in response.text
    assert client.get("/v1/batches").json()["data"] == []


def test_batch_of_another_key_is_not_found(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    location = submit(client, line("a", text="gout")).headers["Location"]
    monkeypatch.setattr("app.api.guard.ANYONE", _caller("other", "batch"))
    assert client.get(location).status_code == 404
    assert client.get("/v1/batches").json()["data"] == []
    monkeypatch.setattr("app.api.guard.ANYONE", _caller("other", "code"))
    assert submit(client, line("a", text="gout")).status_code == 403


def _caller(name: str, scope: str) -> Caller:
    return Caller(name, frozenset({Scope(scope)}))


def test_service_without_a_key_takes_no_batches_beyond_loopback(tmp_path: Path, coder: FakeCoder) -> None:
    settings = Settings(host="0.0.0.0", insecure_no_auth=True, backlog_folder=tmp_path / "state")
    with running(lambda: coder, settings) as client:
        refused = submit(client, line("a", text="gout"))
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:icd-cascade:problem:backlog-key")
        assert "ICD_CASCADE_BACKLOG_KEY_FILE" in refused.json()["detail"]
        assert client.get("/livez").status_code == 200


def test_wrong_key_is_told_every_time(tmp_path: Path, coder: FakeCoder) -> None:
    Batches(FolderStore(tmp_path / "state"), MasterKeys.parse(new_key()), BacklogLimits())
    settings = Settings(backlog_folder=tmp_path / "state", backlog_key=new_key())
    with running(lambda: coder, settings) as client:
        for _ in range(2):
            refused = submit(client, line("a", text="gout"))
            assert (refused.status_code, refused.json()["type"]) == (503, "urn:icd-cascade:problem:backlog-key")


def test_whole_service_with_its_own_queue_goes_on_after_a_stop(tmp_path: Path, coder: FakeCoder) -> None:
    settings = Settings(backlog_folder=tmp_path / "state")
    coder.gate.clear()
    with running(lambda: coder, settings) as client:
        client.wait_until_ready()
        assert not (tmp_path / "state").exists()
        location = submit(client, *(line(str(place), text=CANARY + " gout") for place in range(70))).headers["Location"]
        wait(client, location, lambda batch: batch["in_progress_at"] is not None)
        client.start(client.app.state.service.drain).result(30)
        assert submit(client, line("a", text="gout")).status_code == 503
        assert client.get(location).json()["status"] == "in_progress"
        coder.gate.set()
    with running(lambda: coder, settings) as client:
        client.wait_until_ready()
        assert ended(client, location)["request_counts"] == {"total": 70, "completed": 70, "failed": 0}
        assert [one["index"] for one in results(client, location)] == list(range(70))
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
