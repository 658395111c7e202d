"""The audit log: one JSON line per action, appended to a file. Holds who, when, what and how much; never text."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.errors import AccessUnavailable, UnsafeSetup
from app.serving.logs import log_failure

_MODE: Final = 0o600


class AuditLog:
    """Appends lines. What cannot be written is kept in memory, and meanwhile no further request is taken.

    Lives on one event loop. A line is one write to a file opened for appending, so that processes may share a file.
    """

    def __init__(self, path: Path, fsync: bool = False) -> None:
        self._path = path
        self._fsync = fsync
        self._waiting = bytearray()
        try:
            self._file = self._open()
        except OSError as error:
            raise UnsafeSetup(f"audit_log: {path}: {error.strerror}.") from None

    async def record(self, fields: Mapping[str, object]) -> None:
        """Write one line, with the time; with fsync, return when the disk has it."""
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")} | dict(fields)
        self._waiting += json.dumps(line).encode() + b"\n"
        self._write()
        if self._fsync:
            await asyncio.to_thread(self._sync)

    def require(self) -> None:
        """Raise AccessUnavailable while there are lines that cannot be written: what cannot be recorded is not done."""
        if self._waiting:
            self._write()
        if self._waiting:
            raise AccessUnavailable("The audit log cannot be written.")

    def reopen(self) -> None:
        """Go on in a new file of the same name, after the old one was moved away. Keeps the old one if that fails."""
        try:
            new = self._open()
        except OSError as error:
            log_failure("audit log not opened again", error)
            return
        self._file, old = new, self._file
        os.close(old)

    def close(self) -> None:
        """No more lines."""
        self._write()
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)

    def _write(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: os.write(self._file, self._waiting)]
        except OSError as error:
            log_failure("audit log not written", error)

    def _sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:
            log_failure("audit log not synced", error)
