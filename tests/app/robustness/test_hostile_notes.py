"""Hostile notes through the whole pipeline: an answer in linear time, evidence that slices back, neighbours unmoved."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.app.api.client import Client, running
from tests.app.live import Deployment, deploy
from tests.app.robustness.corpus import HOSTILE, LIMIT

NEIGHBOUR = "Known type 2 diabetes. Today: shingles and low back pain."
SECONDS = 60.0  # a bound that only a quadratic or worse step breaks, on a busy machine


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deploy(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def client(deployed: Deployment) -> Iterator[Client]:
    with running(None, deployed.settings) as client:
        client.wait_until_ready()
        yield client


def comparable(body: dict[str, object]) -> tuple[object, ...]:
    return body["codes"], body["candidates"], body["suppressed"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_note_is_answered_and_moves_no_neighbour(client: Client, name: str) -> None:
    text = HOSTILE[name]
    assert len(text) <= LIMIT
    alone = client.code(text=NEIGHBOUR).json()
    begin = time.perf_counter()
    notes = [{"text": NEIGHBOUR}, {"text": text, "top_k": 200, "assertion": "annotate"}, {"text": NEIGHBOUR}]
    batch = client.send("POST", "/v1/code/batch", json={"notes": notes})
    assert time.perf_counter() - begin < SECONDS
    assert batch.status_code == 200
    before, hostile, after = batch.json()["results"]
    assert comparable(before["result"]) == comparable(after["result"]) == comparable(alone)
    if not text.strip():
        assert hostile["status"] == 422  # nothing but blanks breaks the contract
        return
    assert hostile["status"] == 200
    for item in (*hostile["result"]["codes"], *hostile["result"]["candidates"], *hostile["result"]["suppressed"]):
        assert item["evidence"]
        for evidence in item["evidence"]:
            assert text[evidence["start"] : evidence["end"]] == evidence["text"] != ""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": "' + b"x" * 10_000_000 + b'"}', 413),
        (b'{"text": "' + b"x" * 1_000_000 + b'"}', 422),
        (b"[" * 100_000, 400),
        (b'{"text": ' + b'{"a":' * 100 + b"1" + b"}" * 101, 400),
        (b'{"text": "a\\u0000b"}', 422),
        (b'{"text": "\\ud800 cough"}', 422),
        (b'{"text": "\xff\xfe"}', 400),
        (b'{"text": "\xed\xa0\x80"}', 400),
        (b'{"text": ' + b"1," * 100_000 + b"}", 400),
        (b'{"text": NaN}', 422),
        (b'{"text": "cough", "top_k": 1e400}', 422),
        (b'{"text": "cough", "top_k": ' + b"9" * 5_000 + b"}", 400),
        (b"", 422),
        (b"\xef\xbb\xbf{}", 422),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else str(value),
)
def test_hostile_body_is_a_client_error(client: Client, body: bytes, status: int) -> None:
    answer = client.send("POST", "/v1/code", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 413, 422)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.content) < 5_000
    assert client.code(text=NEIGHBOUR).status_code == 200
