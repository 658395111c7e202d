"""Too much at once, too late, or gone: what clients and operators see."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from app.serving.batcher import WORKERS
from app.settings import Settings
from tests.app.api.client import Client, running
from tests.app.api.test_operations import samples
from tests.app.fakes import POISON, FakeCoder

NOTE = "Acute gout of the toe."
TOKENS = 6


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def serving(coder: FakeCoder, **limits: Any) -> Iterator[Client]:
    with running(lambda: coder, Settings(**limits)) as client:
        client.wait_until_ready()
        try:
            yield client
        finally:
            coder.gate.set()


def queued(client: Client) -> float:
    return samples(client)["icd_queue_tokens"][()]


def runs(client: Client, tokens: int) -> bool:
    running: int = client.app.state.service.batcher.load().running
    return running == tokens


def hold_up(client: Client, coder: FakeCoder, notes: int = WORKERS) -> Future[httpx.Response]:
    """Notes that keep the workers busy until the gate opens; the first of them."""
    coder.gate.clear()
    begun = []
    for number in range(1, notes + 1):
        begun.append(client.begin("POST", "/v1/code", json={"text": NOTE}))
        eventually(partial(runs, client, number * TOKENS))
    return begun[0]


def test_full_queue_answers_429_with_retry_after_to_single_notes_and_batches(coder: FakeCoder) -> None:
    with serving(coder, queue_tokens=TOKENS) as client:
        first = hold_up(client, coder)
        second = client.begin("POST", "/v1/code", json={"text": NOTE})
        eventually(lambda: queued(client) == TOKENS)
        batch = client.send("POST", "/v1/code/batch", json={"notes": [{"text": NOTE}]})
        for refused in (client.code(text=NOTE), batch):
            problem = refused.json()
            assert (refused.status_code, problem["type"]) == (429, "urn:icd-cascade:problem:overloaded")
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert int(refused.headers["Retry-After"]) == problem["retry_after"] >= 1
        found = samples(client)
        coder.gate.set()
        assert [answer.result(5).status_code for answer in (first, second)] == [200, 200]
    assert found["icd_shed_total"]["queue",] == 2
    assert found["icd_queue_age_seconds"][()] > 0


def test_wait_beyond_the_deadline_is_refused_at_once(coder: FakeCoder) -> None:
    with serving(coder, deadline_seconds=1.0) as client:  # 80 % of it: 4,000 tokens at the assumed speed
        first = hold_up(client, coder)
        second = client.begin("POST", "/v1/code", json={"text": "gout " * 3000})
        eventually(lambda: queued(client) > 0)
        assert client.code(text="gout " * 300).status_code == 429
        assert samples(client)["icd_shed_total"]["wait",] == 1
        assert {first.result(5).status_code, second.result(5).status_code} == {503}


def test_one_client_may_have_a_limited_number_of_requests_open(coder: FakeCoder) -> None:
    with serving(coder, key_concurrency=1) as client:
        first = hold_up(client, coder, notes=1)
        refused = client.code(text=NOTE)
        assert (refused.status_code, int(refused.headers["Retry-After"])) == (429, 1)
        coder.gate.set()
        assert first.result(5).status_code == 200
        assert client.code(text=NOTE).status_code == 200
        assert samples(client)["icd_shed_total"]["concurrency",] == 1


def test_note_larger_than_the_queue_is_coded_when_nothing_waits(coder: FakeCoder) -> None:
    with serving(coder, queue_tokens=1, batch_tokens=1) as client:
        assert client.code(text=NOTE).status_code == 200


def test_deadline_is_answered_while_the_worker_is_busy(coder: FakeCoder) -> None:
    with serving(coder, deadline_seconds=0.2) as client:
        hold_up(client, coder)
        late = client.code(text=NOTE)
        batch = client.send("POST", "/v1/code/batch", json={"notes": [{"text": NOTE}]})
        assert (late.status_code, late.json()["type"]) == (503, "urn:icd-cascade:problem:deadline-exceeded")
        assert int(late.headers["Retry-After"]) >= 1
        [item] = batch.json()["results"]
        assert (batch.status_code, item["status"], item["problem"]["retry_after"]) == (200, 503, 1)
        found = samples(client)
        coder.gate.set()
        eventually(lambda: client.app.state.service.batcher.load().running == 0)
    assert (found["icd_deadline_exceeded_total"][()], found["icd_queue_tokens"][()]) == (4, 0)
    assert len(coder.options) == WORKERS  # the late notes never ran


async def send_and_leave(app: FastAPI, leave: threading.Event) -> list[Message]:
    """POST a note as a server would, then report that the client has gone; returns what the application sent."""
    body, sent = json.dumps({"text": NOTE}).encode(), []
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        if (message := next(messages, None)) is not None:
            return message
        while not leave.is_set():
            await asyncio.sleep(0.005)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/code", "headers": headers, "query_string": b""}
    await app(
        {**scope, "http_version": "1.1", "scheme": "http", "raw_path": b"/v1/code", "root_path": ""}, receive, send
    )
    return sent


def test_note_of_a_client_that_leaves_never_runs(coder: FakeCoder) -> None:
    leave = threading.Event()
    with serving(coder) as client:
        first = hold_up(client, coder)
        gone = client.start(lambda: send_and_leave(client.app, leave))
        eventually(lambda: queued(client) == TOKENS)
        leave.set()
        assert gone.result(5) == []
        assert queued(client) == 0
        coder.gate.set()
        assert first.result(5).status_code == 200
        assert client.code(text=NOTE).status_code == 200
        assert samples(client)["icd_request_duration_seconds_count"]["/v1/code", "499"] == 1
    assert len(coder.options) == WORKERS + 1


def test_poison_note_of_one_client_leaves_the_others_answered(coder: FakeCoder) -> None:
    texts = [NOTE, f"{POISON} gout", NOTE, "asthma"]
    with serving(coder) as client:
        first = hold_up(client, coder)
        pending = [client.begin("POST", "/v1/code", json={"text": text}) for text in texts]
        eventually(lambda: samples(client)["icd_lane_entries_total"]["interactive",] == WORKERS + 4)
        coder.gate.set()
        assert [answer.result(5).status_code for answer in pending] == [200, 500, 200, 200]
        assert first.result(5).status_code == 200
        found = samples(client)
    assert (found["icd_batch_notes_sum"][()], found["icd_batch_notes_count"][()]) == (WORKERS + 4, WORKERS + 1)
    assert found["icd_batch_tokens_count"][()] == WORKERS + 1


@pytest.mark.parametrize(("notes", "lane"), [(1, "interactive"), (4, "interactive"), (5, "bulk")])
def test_large_batches_go_to_the_bulk_lane(client: Client, notes: int, lane: str) -> None:
    client.send("POST", "/v1/code/batch", json={"notes": [{"text": NOTE}] * notes})
    assert samples(client)["icd_lane_entries_total"][lane,] == notes


def test_liveness_ends_with_a_call_that_hangs_and_returns_with_it(coder: FakeCoder) -> None:
    with serving(coder, stall_seconds=0.2) as client:
        assert client.get("/livez").status_code == 200
        first = hold_up(client, coder)
        eventually(lambda: client.get("/livez").status_code == 503)
        stalled = client.get("/livez")
        assert stalled.json()["type"] == "urn:icd-cascade:problem:worker-stalled"
        assert samples(client)["icd_worker_heartbeat_seconds"][()] >= 0.2
        coder.gate.set()
        assert first.result(5).status_code == 200


@pytest.mark.parametrize(
    "name", ["QUEUE_TOKENS", "BATCH_TOKENS", "BULK_SECONDS", "KEY_CONCURRENCY", "DEADLINE_SECONDS", "STALL_SECONDS"]
)
def test_limits_are_read_from_the_environment_and_checked(name: str) -> None:
    assert getattr(Settings.from_environment({f"ICD_CASCADE_{name}": "7"}), name.lower()) == 7
    with pytest.raises(ValueError, match=name.lower()):
        Settings.from_environment({f"ICD_CASCADE_{name}": "0"})
