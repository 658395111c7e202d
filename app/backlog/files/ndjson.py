"""Lines of ndjson, plain or gzip: surveyed once, read from any part on."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from app.backlog.files.parts import Part
from app.backlog.limits import LINE_BYTES
from app.backlog.lines import Line, to_line

BinaryLines = gzip.GzipFile | io.BufferedReader
_PIECE: Final = 1 << 16
_ENVELOPE: Final = frozenset({"custom_id", "body"})
_TOO_LONG: Final = f"The line may have at most {LINE_BYTES:,} bytes."


def open_lines(path: Path) -> BinaryLines:
    """The uncompressed bytes of a file."""
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")


def survey(path: Path, part_notes: int) -> tuple[int, tuple[int, ...]]:
    """The number of lines, and the byte at which every part begins. Raises OSError or EOFError for a damaged file."""
    starts: list[int] = []
    count = at = 0
    with open_lines(path) as file:
        for _, size in _lines(file):
            if count % part_notes == 0:
                starts.append(at)
            count, at = count + 1, at + size
    return count, tuple(starts)


class LineReader:
    """Reads parts of one file; one after the other without opening it again."""

    def __init__(self, path: Path) -> None:
        self._file = open_lines(path)

    def read(self, part: Part) -> Iterator[tuple[int, Line]]:
        """Every line that is not blank, with its row: the number of lines before it."""
        self._file.seek(part.offset)
        for row, (raw, _) in zip(range(part.first, part.first + part.rows), _lines(self._file), strict=False):
            if raw is None:
                yield row, Line(fault=_TOO_LONG)
            elif stripped := raw.strip():
                yield row, read_note(stripped)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def read_note(raw: bytes) -> Line:
    """A line of /v1/batches, with custom_id and body, or a body alone. Never raises."""
    try:
        values: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return Line(fault="The line is not valid JSON.")
    if isinstance(values, dict) and not values.keys() & _ENVELOPE:
        return Line(body=values)
    return to_line(values)


def _lines(file: BinaryLines) -> Iterator[tuple[bytes | None, int]]:
    """Lines and their sizes in bytes; None for a line beyond the limit, of which never more than a piece is held."""
    while raw := file.readline(LINE_BYTES + 1):
        size = len(raw)
        if size <= LINE_BYTES or raw.endswith(b"\n"):
            yield raw, size
            continue
        while piece := file.readline(_PIECE):
            size += len(piece)
            if piece.endswith(b"\n"):
                break
        yield None, size
