"""A word that only the client knows, through success, error, kill -9, restart and crash: it is written nowhere.

A real process with keys, audit log and a backlog on SQLite; every file that it leaves is searched, as text and as the
encodings that a database or a dump might hold.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.access.scopes import Scope
from tests.app.api.guarded import Keys, bearer
from tests.app.api.test_privacy import BODIES, CANARY
from tests.app.fakes import POISON

ROOT: Final = Path(__file__).parents[3]
NOTE: Final = f"{CANARY} has gout."
NOTES: Final = 200
NDJSON: Final = {"Content-Type": "application/x-ndjson"}
UNLIMITED: Final = resource.RLIM_INFINITY


class Place:
    """The folders of one service: what it keeps, where it runs, where it puts temporary files, what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("catalog", "work", "tmp"):
            (folder / name).mkdir()
        self.keys = Keys(folder)
        self.key = self.keys.add(Scope.CODE, Scope.BATCH, Scope.METRICS)
        self.environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "PYTHONFAULTHANDLER": "1",
            "TMPDIR": str(folder / "tmp"),
            "ICD_CASCADE_KEYS": str(self.keys.path),
            "ICD_CASCADE_AUDIT_LOG": str(folder / "audit.log"),
            "ICD_CASCADE_BACKLOG_FOLDER": str(folder / "state"),
            "ICD_CASCADE_SHADOW_SHARE": "0",
        }

    @contextmanager
    def service(self) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
        """A process that may leave core files if it wants to, and a client of it."""
        command = [sys.executable, "-m", "tests.app.robustness.canary_service", str(self.folder / "catalog")]
        with (
            (self.folder / "errors.log").open("a") as errors,
            subprocess.Popen(
                command,
                cwd=self.folder / "work",
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=allow_core_files,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                url = process.stdout.readline().strip()
                with httpx.Client(base_url=url, headers=bearer(self.key), timeout=30) as client:
                    yield process, client
            finally:
                process.kill()

    def search(self) -> list[str]:
        """The files that hold the canary."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        assert {"audit.log", "errors.log", "queue.sqlite"} <= {path.name for path in files}
        return [str(path) for path in files if holds_canary(path.read_bytes())]


def allow_core_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def holds_canary(content: bytes) -> bool:
    word = CANARY.encode()
    # base64 has three forms of a word, by its place; the letters at its ends also depend on its neighbours
    base64s = [base64.b64encode(b"\0" * shift + word)[4 if shift else 0 : -4] for shift in range(3)]
    forms = [word, CANARY.encode("utf-16-le"), word.hex().encode(), word.hex().upper().encode(), *base64s]
    return any(form in content for form in forms)


@pytest.mark.parametrize("encode", [bytes, bytes.hex, base64.b64encode], ids=["plain", "hex", "base64"])
@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_search_finds_what_it_looks_for(encode: Any, before: str) -> None:
    encoded = encode(f"{before}{NOTE}".encode())
    assert holds_canary(encoded if isinstance(encoded, bytes) else encoded.encode())
    assert not holds_canary(encode(b"has gout") if encode is not bytes.hex else b"00")


def use(client: httpx.Client) -> None:
    """Successes, whose answers hold the word, and errors, which must not."""
    good = {"text": NOTE, "note_id": CANARY, "patient": {"reference": f"Patient/{CANARY}"}}
    assert client.post("/v1/code", json=good).json()["note_id"] == CANARY
    batch = client.post("/v1/code/batch", json={"notes": [good, {"text": f"{POISON} {CANARY}"}, {"top_k": CANARY}]})
    one, *others = batch.json()["results"]
    assert (one["status"], [other["status"] for other in others]) == (200, [500, 422])
    assert CANARY not in json.dumps(others)
    twice = b"\n".join([json.dumps({"custom_id": CANARY, "body": {"text": NOTE}}).encode()] * 2)
    refused = [
        *(client.post("/v1/code", json=body) for body in BODIES),
        client.post("/v1/code", content=f'{{"text": "{CANARY}', headers={"Content-Type": "application/json"}),
        client.post("/v1/code", content=CANARY, headers={"Content-Type": f"text/{CANARY}"}),
        client.post("/v1/code", json=good, headers=bearer(CANARY)),
        client.post("/v1/batches", content=twice, headers=NDJSON),
        client.post("/v1/batches", content=twice, headers=NDJSON | {"Idempotency-Key": CANARY * 30}),
        client.get(f"/v1/batches/{CANARY}"),
        client.get(f"/v1/codes/{CANARY}"),
        client.get(f"/{CANARY}"),
    ]
    for answer in refused:
        assert 400 <= answer.status_code <= 500
        assert CANARY not in answer.text + repr(answer.headers.raw)
    assert client.get("/v1/codes", params={"q": CANARY}).is_success
    assert CANARY not in client.get("/metrics").text


def submit(client: httpx.Client) -> str:
    """Good lines, and among the first ones what cannot be coded or read."""
    lines = [json.dumps({"custom_id": f"{CANARY}-{place}", "body": {"text": NOTE}}) for place in range(NOTES - 3)]
    lines[:0] = [
        json.dumps({"custom_id": "poison", "body": {"text": f"{POISON} {CANARY}"}}),
        json.dumps({"custom_id": "field", "body": {"text": NOTE, CANARY: CANARY}}),
        f'{{"custom_id": "{CANARY}',
    ]
    headers = NDJSON | {"Idempotency-Key": CANARY}
    return client.post("/v1/batches", content="\n".join(lines), headers=headers).headers["Location"]


def wait(client: httpx.Client, location: str, done: int) -> dict[str, Any]:
    """The batch once so many of its lines are answered."""
    deadline = time.monotonic() + 30
    while True:
        batch: dict[str, Any] = client.get(location).json()
        if batch["request_counts"]["completed"] + batch["request_counts"]["failed"] >= done:
            return batch
        assert time.monotonic() < deadline, batch
        time.sleep(0.02)


def test_canary_is_written_nowhere(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.service() as (process, client):
        use(client)
        location = submit(client)
        begun = wait(client, location, 1)
        assert begun["status"] == "in_progress"
        assert place.search() == []  # while it runs: the write-ahead log of SQLite is not yet folded in
        process.kill()
    assert place.search() == []
    with place.service() as (process, client):
        wait(client, location, NOTES)
        lines = [json.loads(line) for line in client.get(f"{location}/results").text.splitlines()]
        assert len(lines) == NOTES
        assert [line["response"]["status_code"] for line in lines[:4]] == [500, 422, 400, 200]
        assert CANARY not in json.dumps(lines[:3])
        assert lines[-1]["custom_id"].startswith(CANARY)  # it was kept, encrypted
        use(client)
        soft, _ = resource.prlimit(process.pid, resource.RLIMIT_CORE)
        assert soft == 0  # a core file would hold the notes in memory
        process.send_signal(signal.SIGABRT)
        assert process.wait(30) == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in (tmp_path / "errors.log").read_text()
    assert place.search() == []
    assert list((tmp_path / "work").iterdir()) == []
