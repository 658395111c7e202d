"""Canaries: words that only the client knows must come back in evidence and nowhere else."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from app.pipeline.note import Document
from app.serving.logs import JsonLines
from tests.app.api.client import Client, running
from tests.app.fakes import POISON, FakeCoder

CANARY = "Kanarienvogel"
GOOD = "A note with gout."


@pytest.fixture
def client(shared: Client) -> Client:
    return shared


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger writes, in the service's format and in Python's own."""
    stream = io.StringIO()
    handlers = [logging.StreamHandler(stream), logging.StreamHandler(stream)]
    handlers[0].setFormatter(JsonLines())
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    logging.getLogger("httpx").disabled = True  # the client of the tests, not the service
    for handler in handlers:
        root.addHandler(handler)
    yield stream
    for handler in handlers:
        root.removeHandler(handler)
    root.setLevel(level)
    logging.getLogger("httpx").disabled = False


BODIES: list[dict[str, Any]] = [
    {"text": f"{CANARY}\0"},
    {"text": {CANARY: CANARY}},
    {"text": CANARY, "documents": [{"text": CANARY}]},
    {"documents": [{"text": CANARY, CANARY: 1}]},
    {"documents": CANARY},
    {"text": CANARY, CANARY: CANARY},
    {"text": GOOD, "note_id": CANARY * 20},
    {"text": GOOD, "note_id": [CANARY]},
    {"text": GOOD, "code_sets": [CANARY]},
    {"text": GOOD, "edition": CANARY},
    {"text": GOOD, "calibration": CANARY},
    {"text": GOOD, "service_date": CANARY},
    {"text": GOOD, "top_k": CANARY},
    {"text": GOOD, "threshold": CANARY},
    {"text": GOOD, "widths": CANARY},
    {"text": GOOD, "billable_only": CANARY},
    {"text": GOOD, "within": [CANARY]},
    {"text": GOOD, "patient": {"age_years": CANARY, "sex": CANARY, "reference": CANARY * 20, CANARY: 1}},
    {"text": GOOD, "offset_unit": CANARY},
    {"text": f"{POISON} {CANARY}"},
]


@pytest.mark.parametrize("body", BODIES)
def test_nothing_sent_returns_in_an_error_or_a_log(client: Client, log: io.StringIO, body: dict[str, Any]) -> None:
    single = client.send("POST", "/v1/code", json=body)
    batch = client.send("POST", "/v1/code/batch", json={"notes": [body]})
    assert single.status_code in (422, 500)
    assert batch.json()["results"][0]["status"] == single.status_code
    assert CANARY not in single.text + batch.text + client.get("/metrics").text + log.getvalue()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/{CANARY}", 404),
        (f"/v1/codes/{CANARY}", 404),
        (f"/v1/codes?q={CANARY * 20}", 422),
        (f"/v1/codes?q=gout&limit={CANARY}", 422),
        (f"/livez?{CANARY}", 200),
    ],
)
def test_paths_and_queries_are_not_repeated(client: Client, log: io.StringIO, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert CANARY not in response.text + client.get("/metrics").text + log.getvalue()


def test_answered_notes_and_searches_leave_counts_only(client: Client, log: io.StringIO) -> None:
    note = f"{CANARY} has asthma and gout."
    patient = {"reference": f"Patient/{CANARY}"}
    assert client.code(text=note, note_id=CANARY, patient=patient).status_code == 200
    assert client.get(f"/v1/codes?q={CANARY}").status_code == 200
    written = log.getvalue()
    assert CANARY not in written + client.get("/metrics").text
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    [record] = [line for line in lines if line.get("route") == "/v1/code"]
    assert (record["status"], record["notes"], record["characters"], record["codes"]) == (200, 1, len(note), 2)


def test_failure_is_logged_by_type_and_place(client: Client, log: io.StringIO) -> None:
    response = client.code(text=f"{POISON} {CANARY}")
    failures = [json.loads(line) for line in log.getvalue().splitlines() if '"coding failed"' in line]
    assert [(line["error"], line["request_id"]) for line in failures] == [
        ("ValueError", response.headers["X-Request-ID"])
    ]
    assert failures[0]["at"].startswith("fakes.py:")


def test_unexpected_error_is_a_problem_without_its_message(coder: FakeCoder, log: io.StringIO) -> None:
    def fail(words: str, limit: int) -> list[int]:
        raise RuntimeError(f"no index for {words}")

    coder.catalog = type("Broken", (), {"search": staticmethod(fail)})()
    with running(lambda: coder) as client:
        client.wait_until_ready()
        response = client.get(f"/v1/codes?q={CANARY}")
    assert (response.status_code, response.json()["type"]) == (500, "urn:icd-cascade:problem:internal")
    assert CANARY not in response.text + log.getvalue()
    assert "RuntimeError" in log.getvalue()


def test_messages_of_libraries_are_withheld() -> None:
    record = logging.LogRecord("asyncio", logging.ERROR, "x.py", 1, f"failed on {CANARY}", None, None)
    assert CANARY not in JsonLines().format(record)


def test_values_do_not_show_their_text() -> None:
    assert CANARY not in repr(Document(CANARY))
