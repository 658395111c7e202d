"""The lines of the words that clinicians write, with the codes they support. Format: tests/gold/shorthand/README.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.evaluation.corpora.reading import read_lines
from app.evaluation.errors import CorpusError

NAME = "shorthand"
FILE = "lines.tsv"
COLUMNS = ("id", "kind", "expected", "forbidden", "text")
KINDS = ("shorthand", "sense", "typo", "format", "language")
AROUND = ("around", "new", "later")  # of tests/gold/around
TOLD = ("said", "unsaid")  # of tests/gold/told
_KNOWN = (*KINDS, *AROUND, *TOLD)
NONE, FOREIGN = "-", "!"

_MARKS = str.maketrans({"⏎": "\n", "␉": "\t", "␌": "\f"})


@dataclass(frozen=True, slots=True)
class Line:
    """One text. expected: for each finding the beginnings of the codes that are right. foreign: it is not English."""

    id: str
    kind: str
    expected: tuple[tuple[str, ...], ...]
    forbidden: tuple[str, ...]
    foreign: bool
    text: str = field(repr=False)


def read_shorthand(folder: Path) -> Sequence[Line]:
    """The lines of a folder in the order of its file. Raises CorpusError for a malformed one, by its number."""
    file = folder / FILE
    rows = list(read_lines(file))
    if not rows or tuple(rows[0][1].split("\t")) != COLUMNS:
        raise CorpusError(f"{file} line 1: expected the columns {', '.join(COLUMNS)}")
    lines = []
    for number, row in rows[1:]:
        try:
            lines.append(_line(row))
        except ValueError as error:
            raise CorpusError(f"{file} line {number}: {error}") from None
    if len({line.id for line in lines}) != len(lines):
        raise CorpusError(f"{file} names a line twice")
    return lines


def _line(row: str) -> Line:
    fields = row.split("\t")
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} fields, expected {len(COLUMNS)}")
    name, kind, expected, forbidden, text = fields
    if kind not in _KNOWN:
        raise ValueError(f"no such kind, expected one of {', '.join(_KNOWN)}")
    findings = () if expected in (NONE, FOREIGN) else tuple(tuple(f.split("/")) for f in expected.split(","))
    never = () if forbidden == NONE else tuple(forbidden.split(","))
    return Line(name, kind, findings, never, expected == FOREIGN, text.translate(_MARKS))
