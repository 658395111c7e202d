from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.access.audit import AuditLog
from app.errors import AccessUnavailable, UnsafeSetup


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(log: AuditLog, **fields: object) -> None:
    asyncio.run(log.record(fields))


@pytest.mark.parametrize("fsync", [False, True])
def test_lines_are_appended_with_the_time(tmp_path: Path, fsync: bool) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"who": "before"}\n')
    log = AuditLog(path, fsync)
    write(log, who="a", notes=1)
    write(log, who="b")
    log.close()
    assert [line["who"] for line in lines(path)] == ["before", "a", "b"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(str(lines(path)[1]["time"]))).total_seconds()) < 60


def test_fsync_is_asked_for_if_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for fsync in (False, True):
        log = AuditLog(tmp_path / "audit.jsonl", fsync)
        write(log, who="a")
        log.close()
        assert len(synced) == fsync


def test_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    AuditLog(tmp_path / "audit.jsonl").close()
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o600


def test_rotation_goes_on_in_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    write(log, who="a")
    path.rename(tmp_path / "audit.1")
    write(log, who="b")
    log.reopen()
    write(log, who="c")
    log.close()
    assert [line["who"] for line in lines(tmp_path / "audit.1")] == ["a", "b"]
    assert [line["who"] for line in lines(path)] == ["c"]


def test_rotation_that_fails_keeps_the_old_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = AuditLog(folder / "audit.jsonl")
    folder.rename(tmp_path / "moved")
    with caplog.at_level(logging.ERROR):
        log.reopen()
    write(log, who="a")
    log.close()
    assert [line["who"] for line in lines(tmp_path / "moved" / "audit.jsonl")] == ["a"]
    assert caplog.messages == ["audit log not opened again"]


def test_full_disk_stops_the_service_until_every_line_is_written(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.symlink_to("/dev/full")
    log = AuditLog(path)
    log.require()
    write(log, who="a")
    with pytest.raises(AccessUnavailable):
        log.require()
    path.unlink()
    log.reopen()
    log.require()
    write(log, who="b")
    log.close()
    assert [line["who"] for line in lines(path)] == ["a", "b"]


def test_line_that_is_written_in_part_is_finished_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    true, room = os.write, [10]

    def write_some(file: int, data: bytearray) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = true(file, bytes(data[: room[0]]))
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", write_some)
    write(log, who="a")
    with pytest.raises(AccessUnavailable):
        log.require()
    room[0] = 10_000
    log.require()
    log.close()
    assert [line["who"] for line in lines(path)] == ["a"]


def test_place_that_cannot_be_written_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSetup, match="audit_log"):
        AuditLog(tmp_path / "missing" / "audit.jsonl")
