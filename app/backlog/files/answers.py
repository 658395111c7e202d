"""What a part is answered with: a row for every note, its answer as the service gives it and as columns."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow
from pyarrow import parquet

OK: Final = 200
LISTS: Final = ("codes", "candidates", "suppressed")
TEMPORARY: Final = ".writing-"
_EVIDENCE: Final = pyarrow.struct(
    [("document", pyarrow.int32()), ("start", pyarrow.int32()), ("end", pyarrow.int32()), ("text", pyarrow.string())]
)
_CODE: Final = pyarrow.struct(
    [
        ("list", pyarrow.string()),
        ("rank", pyarrow.int32()),
        ("code", pyarrow.string()),
        ("display", pyarrow.string()),
        ("system", pyarrow.string()),
        ("edition", pyarrow.string()),
        ("score", pyarrow.float64()),
        ("probability", pyarrow.float64()),
        ("billable", pyarrow.bool_()),
        ("assertion", pyarrow.string()),
        ("reason", pyarrow.string()),
        ("hcc", pyarrow.string()),
        ("poa_exempt", pyarrow.bool_()),
        ("evidence", pyarrow.list_(_EVIDENCE)),
    ]
)
_VERSIONS: Final = pyarrow.struct(
    [(name, pyarrow.string()) for name in ("service", "model", "index", "code_set", "calibration")]
)
SCHEMA: Final = pyarrow.schema(
    [
        ("input", pyarrow.string()),
        ("row", pyarrow.int64()),
        ("custom_id", pyarrow.string()),
        ("note_id", pyarrow.string()),
        ("status", pyarrow.int16()),
        ("error", pyarrow.string()),
        ("codes", pyarrow.list_(_CODE)),
        ("versions", _VERSIONS),
        ("answer", pyarrow.large_string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Answered:
    """One note's answer. body: JSON, what POST /v1/code answers with this status; error: the problem in one line."""

    row: int
    custom_id: str | None = field(repr=False)
    note_id: str | None = field(repr=False)
    status: int
    body: str = field(repr=False)
    error: str | None = field(default=None, repr=False)


def write_part(path: Path, source: str, answers: Sequence[Answered], marks: Mapping[str, str]) -> None:
    """Write a file that is there whole or not at all. marks: metadata of the file. Raises OSError."""
    table = pyarrow.Table.from_pylist([_row(source, one) for one in answers], SCHEMA.with_metadata(dict(marks)))
    hidden = path.with_name(f"{TEMPORARY}{path.stem}-{uuid.uuid4().hex}")
    try:
        with hidden.open("xb") as file:
            parquet.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
    _settle(path.parent)


def marks_of(path: Path) -> dict[str, str] | None:
    """The metadata of a written part, None if the file cannot be read."""
    try:
        found = parquet.read_schema(path).metadata or {}
        return {key.decode(): value.decode() for key, value in found.items()}
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError):
        return None


def _row(source: str, answered: Answered) -> dict[str, Any]:
    body = json.loads(answered.body) if answered.status == OK else {}
    return {
        "input": source,
        "row": answered.row,
        "custom_id": answered.custom_id,
        "note_id": answered.note_id,
        "status": answered.status,
        "error": answered.error,
        "codes": [one | {"list": name} for name in LISTS for one in body.get(name, ())],
        "versions": body.get("versions"),
        "answer": answered.body,
    }


def _settle(folder: Path) -> None:
    """A rename is kept over a power failure once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
