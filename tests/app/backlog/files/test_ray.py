"""Ray Data over real pipelines: killed, resumed, and compared with a running service.

By default forty notes over a tiny index. The whole thing, over the index that ships:

    RAY_NOTES=5000 RAY_ARTIFACTS=artifacts pytest tests/app/backlog/files/test_ray.py

RAY_KILLS (1) runs are killed before the last one resumes; RAY_PART_NOTES (5; 250 beyond 1,000 notes) are the rows of a
part.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.soak.answers import comparable
from app.soak.service import own_service
from tests.app.backlog.files.notes import read_answers, short_notes, write_lines, write_table
from tests.app.live import deploy

pytest.importorskip("ray", reason="ray is not installed: pip install 'icd-cascade[ray]'")

ROOT = Path(__file__).parents[4]
NOTES = int(os.environ.get("RAY_NOTES", "40"))
KILLS = int(os.environ.get("RAY_KILLS", "1"))
PART_NOTES = int(os.environ.get("RAY_PART_NOTES", "5" if NOTES <= 1000 else "250"))
ACTORS = 2
WAIT_SECONDS = 120 + NOTES
CANARY = "Kanarienvogel"
BATCH = 32


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Where the index and the model are."""
    if artifacts := os.environ.get("RAY_ARTIFACTS"):
        return ["--artifacts", artifacts]
    settings = deploy(tmp_path_factory.mktemp("deployed")).settings
    return ["--artifacts", str(settings.artifacts), "--model", str(settings.model)]


@pytest.fixture
def ray_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where Ray writes its logs. Its sockets lie there too, so the name is short."""
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield Path(folder)


def command(flags: Sequence[str], inputs: Path, output: Path, engine: str = "ray") -> list[str]:
    return [
        *(sys.executable, "-m", "app.cli.main", "backlog", "--engine", engine),
        *("--input", str(inputs), "--output", str(output), "--part-notes", str(PART_NOTES), "--actors", str(ACTORS)),
        *flags,
    ]


def parts_of(folder: Path) -> int:
    return len(list(folder.glob("part-*.parquet")))


def kill_after(flags: Sequence[str], inputs: Path, output: Path, parts: int) -> None:
    """Kill a run by SIGKILL as soon as there are so many parts. Its actors end with it, in the middle of others."""
    with subprocess.Popen(command(flags, inputs, output), cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + WAIT_SECONDS
        while parts_of(output) < parts:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)


def finish(flags: Sequence[str], inputs: Path, output: Path, engine: str = "ray") -> str:
    done = subprocess.run(
        command(flags, inputs, output, engine), cwd=ROOT, capture_output=True, text=True, timeout=WAIT_SECONDS
    )
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".parquet", ".json")}


def write_inputs(folder: Path, bodies: Sequence[dict[str, Any]]) -> Path:
    """Half of the notes as a table, half as lines."""
    folder.mkdir()
    half = len(bodies) // 2
    write_table(folder / "1.parquet", bodies[:half], group=64)
    write_lines(folder / "2.ndjson.gz", [{"custom_id": body["note_id"], "body": body} for body in bodies[half:]])
    return folder


def served(flags: Sequence[str], bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a running service answers, by batches."""
    answers: list[dict[str, Any]] = []
    with own_service(flags) as url, httpx.Client(base_url=url, timeout=WAIT_SECONDS) as http:
        for first in range(0, len(bodies), BATCH):
            answered = http.post("/v1/code/batch", json={"notes": bodies[first : first + BATCH]})
            answers += answered.raise_for_status().json()["results"]
    return answers


def test_killed_and_resumed_run_is_an_undisturbed_one_and_the_services_answers(
    flags: list[str], tmp_path: Path, ray_folder: Path
) -> None:
    texts = [f"{CANARY} {text}" if n % 7 == 0 else text for n, text in enumerate(short_notes(NOTES - 1))]
    texts.insert(NOTES // 3, " ")  # breaks the contract
    bodies = [{"note_id": f"{CANARY}-{n}", "text": text} for n, text in enumerate(texts)]
    inputs, output = write_inputs(tmp_path / "in", bodies), tmp_path / "coded"
    all_parts = 2 * -(-(NOTES // 2) // PART_NOTES)
    for kill in range(KILLS):
        kill_after(flags, inputs, output, max(parts_of(output) + 1, (kill + 1) * all_parts // (KILLS + 2)))
        assert 0 < parts_of(output) < all_parts
    finish(flags, inputs, output)
    rows = read_answers(output)
    assert [row["note_id"] for row in rows] == [body["note_id"] for body in bodies]

    expected = served(flags, bodies)
    assert [row["status"] for row in rows] == [item["status"] for item in expected]
    different = [
        row["note_id"]
        for row, item in zip(rows, expected, strict=True)
        if row["status"] == 200 and without_ids(json.loads(row["answer"])) != without_ids(item["result"])
    ]
    assert different == []
    assert sum(row["status"] == 200 for row in rows) == NOTES - 1
    assert sum(bool(row["codes"]) for row in rows) > NOTES // 2  # not the equality of nothing
    assert all(comparable(json.loads(row["answer"]))["codes"] is not None for row in rows if row["status"] == 200)

    finish(flags, inputs, tmp_path / "undisturbed", engine="ray" if NOTES > 1000 else "local")
    assert contents(output) == contents(tmp_path / "undisturbed")
    logs = [path for path in ray_folder.rglob("*") if path.is_file()]
    assert logs
    assert [path.name for path in logs if CANARY.encode() in path.read_bytes()] == []


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    """What may differ is the request's id and how long it took."""
    return {name: value for name, value in answer.items() if name not in ("request_id", "timings_ms")}


def test_actor_that_no_machine_has_room_for_is_refused_in_one_line(tmp_path: Path, ray_folder: Path) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": "Gout."}])
    done = subprocess.run(
        [*command([], source, tmp_path / "coded"), "--num-gpus", "64"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("icd-cascade: ")]
    assert line.startswith("icd-cascade: An actor wants 1 CPUs and 64 GPUs; Ray has ")
    assert "Traceback" not in done.stderr
