"""Logs as JSON lines, without patient text: fields that the service chose, and errors by type and place only.

The message of an exception may quote what was being read, so it is never written, whoever raised it.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Final, TextIO

ACCESS: Final = logging.getLogger("icd_cascade.access")
SERVICE: Final = logging.getLogger("icd_cascade.service")
_FIELDS: Final = ("request_id", "route", "status", "ms", "notes", "characters", "codes", "error", "at", "seconds")


def place_of(error: BaseException) -> str:
    """File, line and function in which an error was raised, e.g. "search.py:41 rescore"."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{PurePath(last.filename).name}:{last.lineno} {last.name}"


def log_failure(event: str, error: BaseException, request_id: str | None = None) -> None:
    """One error, by type and place; its message stays unread."""
    fields = {"error": type(error).__name__, "at": place_of(error), "request_id": request_id}
    SERVICE.error(event, extra=fields)


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, event and the known fields; of an exception its type and place."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._event(record),
        }
        line |= {name: record.__dict__[name] for name in _FIELDS if record.__dict__.get(name) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line |= {"error": type(error).__name__, "at": place_of(error)}
        return json.dumps(line)

    @staticmethod
    def _event(record: logging.LogRecord) -> str:
        if record.name.startswith("icd_cascade."):
            return record.getMessage()
        # Libraries put reprs of what they failed on into their messages; uvicorn's own texts are fixed.
        return str(record.msg).strip() if record.name.startswith("uvicorn") else "library message withheld"


def configure_logging(stream: TextIO = sys.stderr) -> None:
    """Write the records of this process to a stream as JSON lines; of libraries only warnings and errors."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for own in (ACCESS, SERVICE):
        own.setLevel(logging.INFO)
