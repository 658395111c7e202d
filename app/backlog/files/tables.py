"""Rows of Parquet as requests: a column per field of /v1/code, and custom_id. What is null is not given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow
from pyarrow import parquet

from app.backlog.files.parts import Part
from app.backlog.lines import Line, to_line
from app.errors import RunRefused

CUSTOM_ID: Final = "custom_id"
_LABELS: Final = frozenset({CUSTOM_ID, "note_id"})  # tables often number their notes
_ROWS: Final = 256
_UNREADABLE: Final = "The row holds a value that cannot be read."


class Unreadable:
    """In the place of a value that the file holds and Python cannot."""


def check_columns(path: Path, name: str, columns: Mapping[str, str], fields: frozenset[str]) -> int:
    """The number of rows of a file whose columns fit. Raises RunRefused, OSError or ArrowException.

    columns: the field of the contract that each column is to be read as; empty = columns are named as fields
    """
    try:
        with parquet.ParquetFile(path) as file:
            there, rows = set(file.schema_arrow.names), int(file.metadata.num_rows)
    except pyarrow.ArrowInvalid:
        raise RunRefused(f"{name} is not Parquet, or is damaged.") from None
    missing = [column for column in columns.values() if column not in there]
    if missing:
        raise RunRefused(f"{name} has no column {missing[0]}.")
    unknown = [] if columns else sorted(there - fields - {CUSTOM_ID})
    if unknown:
        raise RunRefused(
            f"{name} has columns that are no fields of /v1/code: {', '.join(unknown)}. "
            "Name those to read, e.g. --columns note_id,text or --columns text=NOTE_TEXT."
        )
    return rows


class TableReader:
    """Reads parts of one file. Parts that follow each other are read on, without decoding a row group again."""

    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        self._file = parquet.ParquetFile(path)
        names = self._file.schema_arrow.names
        self._columns = dict(columns) or {name: name for name in names}
        self._begins = [0]  # of each row group, and behind the last
        for group in range(self._file.num_row_groups):
            self._begins.append(self._begins[-1] + self._file.metadata.row_group(group).num_rows)
        self._batches: Iterator[Any] = iter(())
        self._held: Any = None  # a batch of which the first row is row _at
        self._at = 0

    def read(self, part: Part) -> Iterator[tuple[int, Line]]:
        """Every row of the part."""
        self._go_to(part.first)
        row, end = part.first, part.first + part.rows
        while row < end and self._fill():
            taken = self._held.slice(0, end - row)
            self._held = self._held.slice(taken.num_rows)
            self._at += taken.num_rows
            for line in _notes(taken, self._columns):
                yield row, line
                row += 1

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _go_to(self, row: int) -> None:
        group = next(g for g in range(self._file.num_row_groups) if row < self._begins[g + 1])
        if self._held is None or row < self._at or self._begins[group] > self._at:
            groups = range(group, self._file.num_row_groups)
            columns = list(dict.fromkeys(self._columns.values()))
            self._batches = self._file.iter_batches(_ROWS, row_groups=groups, columns=columns)
            self._held, self._at = None, self._begins[group]
        while self._at < row and self._fill():
            skipped = min(row - self._at, self._held.num_rows)
            self._held, self._at = self._held.slice(skipped), self._at + skipped

    def _fill(self) -> bool:
        while self._held is None or not self._held.num_rows:
            batch = next(self._batches, None)
            if batch is None:
                return False
            self._held = batch
        return True


def _notes(batch: Any, columns: Mapping[str, str]) -> Iterator[Line]:
    fields = list(columns)
    values = [_values(batch.column(columns[field])) for field in fields]
    for row in zip(*values, strict=True):
        yield _note(fields, row)


def _note(fields: Sequence[str], values: Sequence[Any]) -> Line:
    if any(value is Unreadable for value in values):
        return Line(fault=_UNREADABLE)
    body = {field: _given(field, value) for field, value in zip(fields, values, strict=True) if value is not None}
    if CUSTOM_ID not in body:
        return Line(body=body)
    custom_id = body.pop(CUSTOM_ID)
    return to_line({CUSTOM_ID: custom_id, "body": body})


def _given(field: str, value: Any) -> Any:
    """Without what is null below; a number as the text of a label."""
    if field in _LABELS and type(value) is int:
        return str(value)
    if isinstance(value, dict):
        return {name: _given("", one) for name, one in value.items() if one is not None}
    return [_given("", one) for one in value] if isinstance(value, list) else value


def _values(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except Exception:  # text that is not UTF-8, dates beyond Python's: find the rows that are at fault
        return [_value(cell) for cell in column]


def _value(cell: Any) -> Any:
    try:
        return cell.as_py()
    except Exception:
        return Unreadable
