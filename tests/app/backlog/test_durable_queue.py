"""DBOS over SQLite and PostgreSQL, in processes that are killed. BACKLOG_KILLS and BACKLOG_NOTES make it a soak."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from app.backlog.keys import new_key
from tests.app.backlog.databases import database
from tests.app.backlog.outage import Outage
from tests.app.backlog.process import CANARY

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("BACKLOG_KILLS", "5"))
POSTGRES_KILLS = int(os.environ.get("BACKLOG_KILLS", "2"))  # a replica's silence is waited for after each
NOTES = int(os.environ.get("BACKLOG_NOTES", "60"))
SHARD_SECONDS = 0.15


@contextmanager
def started(settings: dict[str, Any], notes: int = NOTES, seconds: float = SHARD_SECONDS) -> Iterator[Any]:
    command = [sys.executable, "-m", "tests.app.backlog.process", json.dumps(settings), str(notes), str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def output_of(process: Any) -> list[str]:
    output, errors = process.communicate(timeout=120 + NOTES / 2)
    assert process.returncode == 0, errors
    assert CANARY not in errors
    return str(output).splitlines()


def check_results(output: list[str], notes: int = NOTES) -> None:
    """Every line of the upload once, in order, as it would be undisturbed."""
    [ended] = [line for line in output if line.startswith("ended")]
    assert ended == f"ended completed {notes}"
    results = [json.loads(line) for line in output[output.index(ended) + 1 :]]
    assert [line["index"] for line in results] == list(range(notes))
    assert [line["custom_id"] for line in results] == [f"{CANARY}-{place}" for place in range(notes)]
    assert [line["response"]["body"]["text"] for line in results] == [f"{CANARY} note {p}" for p in range(notes)]


def kill_at_a_random_point(settings: dict[str, Any], chance: random.Random) -> list[str]:
    """Kill a process some time after it has begun to submit; what it said before."""
    with started(settings) as process:
        line = process.stdout.readline()
        time.sleep(chance.uniform(0, 3 * SHARD_SECONDS))
        process.kill()
        return [line, *process.stdout.read().splitlines()]


def survive_kills(settings: dict[str, Any], kills: int = KILLS) -> list[str]:
    chance = random.Random(7)
    for _ in range(kills):
        kill_at_a_random_point(settings, chance)
    with started(settings) as process:
        return output_of(process)


def test_killed_processes_on_sqlite_lose_nothing_and_leave_no_text(tmp_path: Path) -> None:
    check_results(survive_kills({"backlog_folder": str(tmp_path / "state")}))
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert any(path.name == "queue.sqlite" for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def test_killed_processes_on_postgres_lose_nothing_and_leave_no_text() -> None:
    with database() as url:
        settings = {"backlog_url": url, "backlog_key": new_key()}
        check_results(survive_kills(settings, POSTGRES_KILLS))
        with psycopg.connect(url) as connection:
            dumped = [
                row[0]
                for table in ("dbos.workflow_status", "dbos.operation_outputs", "icd_cascade.blob")
                for row in connection.execute(f"SELECT row::text FROM {table} AS row")
            ]
    assert dumped
    assert not [row for row in dumped if CANARY in row or CANARY.encode().hex() in row]


def test_database_that_is_stopped_and_started_again_loses_nothing() -> None:
    with database() as url, Outage(5432) as outage:
        through = url.replace(":5432", f":{outage.port}")
        with started({"backlog_url": through, "backlog_key": new_key()}, notes=40) as process:
            lines = iter(process.stdout.readline, "")
            before = next(line for line in lines if line.startswith("begun"))
            outage.stop()
            missed = next(line for line in lines if line.startswith("away"))
            time.sleep(1.0)
            outage.start()
            output = [line.rstrip("\n") for line in lines]
            assert process.wait(60) == 0
    assert before and missed
    check_results(output, notes=40)


def test_two_replicas_share_a_batch() -> None:
    with database() as url:
        settings = {"backlog_url": url, "backlog_key": new_key()}
        with started(settings, notes=80, seconds=0.4) as one, started(settings, notes=80, seconds=0.4) as two:
            outputs = [output_of(one), output_of(two)]
    for output in outputs:
        check_results(output, notes=80)
    begun = [Counter(line for line in output if line.startswith("begun")) for output in outputs]
    assert all(begun)
    assert sum(sum(counter.values()) for counter in begun) == 20


def test_second_process_on_one_folder_is_refused(tmp_path: Path) -> None:
    settings = {"backlog_folder": str(tmp_path / "state")}
    with started(settings) as first:
        assert first.stdout.readline().startswith(("submitted", "begun"))
        with started(settings) as second:
            _, errors = second.communicate(timeout=60)
            assert second.returncode != 0
            assert "Another process has the folder" in errors
