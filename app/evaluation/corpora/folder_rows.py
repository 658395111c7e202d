"""Fields of the rows of a folder of coded notes, checked. Errors name file, line and field and repeat no text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.evaluation.corpora.reading import read_lines
from app.evaluation.errors import CorpusError

_CODE = re.compile(r"(?=.*[0-9])[A-Z0-9]{1,7}(\.[A-Z0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a coder found a code: [begin, end) in code points of one of the note's documents."""

    code: str
    document: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """A value and where it stands. Its methods raise CorpusError where it is not what they say."""

    file: Path
    line: int
    name: str
    value: object

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error("expected a text that is not empty")
        return self.value

    def optional_text(self) -> str:
        """A text; empty where the field is missing."""
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self.error("expected a text")
        return self.value.strip()

    def code(self) -> str:
        """A code, upper case, with its dot or without; no dot at its end."""
        code = self.value.strip().upper().rstrip(".") if isinstance(self.value, str) else ""
        if not _CODE.fullmatch(code):
            raise self.error("expected a code, such as E11.9")
        return code

    def items(self) -> list[Any]:
        """A list."""
        if not isinstance(self.value, list):
            raise self.error("expected a list")
        return self.value

    def number(self) -> int | None:
        """A whole number of 0 or more, from JSON or from CSV; None where the field is missing or empty."""
        if self.value is None or self.value == "":
            return None
        if isinstance(self.value, str) and self.value.strip().isdecimal():
            return int(self.value)
        if type(self.value) is not int or self.value < 0:
            raise self.error("expected a whole number of 0 or more")
        return self.value

    def error(self, problem: str) -> CorpusError:
        """The error that names this field."""
        return CorpusError(f"{self.file} line {self.line}: field {self.name}: {problem}")


def read_objects(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line number, object) of every line of an ndjson file that is not blank."""
    for number, line in read_lines(file):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError:  # its message repeats nothing, but says nothing that helps either
            raise CorpusError(f"{file} line {number}: not JSON") from None
        if not isinstance(found, dict):
            raise CorpusError(f"{file} line {number}: expected an object")
        yield number, found


def read_place(file: Path, line: int, code: str, row: Mapping[str, object], texts: Sequence[str]) -> Place | None:
    """The place that a row names for its code; None where it names none."""
    begin, end, document = (Field(file, line, name, row.get(name)).number() for name in ("begin", "end", "document"))
    if begin is None and end is None:
        return None
    document = document or 0
    if document >= len(texts):
        raise CorpusError(f"{file} line {line}: field document: the note has {len(texts)}, counted from 0")
    length = len(texts[document])
    if begin is None or end is None or not begin < end <= length:
        raise CorpusError(f"{file} line {line}: field begin, end: expected 0 <= begin < end <= {length}, both or none")
    return Place(code, document, begin, end)
