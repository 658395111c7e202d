"""Texts with gold procedures of ICD-10-PCS: CodiEsp's, of four or seven characters, and the operative lines.

Layout of the lines: <path>/lines.tsv, described in tests/gold/operative_lines/README.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.evaluation.corpora.codiesp import CodiEsp
from app.evaluation.corpora.reading import read_lines
from app.evaluation.errors import CorpusError
from app.pipeline.note import Document, Note

CODIESP: Final = "codiesp-procedures"
LINES: Final = "operative-lines"
NAMES: Final = (CODIESP, LINES)
FILE: Final = "lines.tsv"
COLUMNS: Final = ("id", "expected", "text")
LEAST = 4  # characters: section, body system, operation, body part


@dataclass(frozen=True, slots=True)
class Operated:
    """One text. expected: for each procedure the beginnings of the codes that are right."""

    id: str
    expected: tuple[tuple[str, ...], ...]
    note: Note = field(repr=False)


def read_procedures(name: str, folder: Path, split: str) -> Sequence[Operated]:
    """The texts of one of NAMES in a fixed order; the lines have no splits. Raises CorpusError."""
    return _of_codiesp(folder, split) if name == CODIESP else _of_lines(folder / FILE)


def _of_codiesp(folder: Path, split: str) -> list[Operated]:
    notes = CodiEsp(folder, CODIESP, "P").notes(split)
    return [Operated(coded.id, tuple((code,) for code in sorted(coded.gold)), coded.note) for coded in notes]


def _of_lines(file: Path) -> list[Operated]:
    rows = list(read_lines(file))
    if not rows or tuple(rows[0][1].split("\t")) != COLUMNS:
        raise CorpusError(f"{file} line 1: expected the columns {', '.join(COLUMNS)}")
    lines = [_line(file, number, row) for number, row in rows[1:]]
    if len({line.id for line in lines}) != len(lines):
        raise CorpusError(f"{file} names a line twice")
    return lines


def _line(file: Path, number: int, row: str) -> Operated:
    fields = row.split("\t")
    if len(fields) != len(COLUMNS):
        raise CorpusError(f"{file} line {number}: {len(fields)} fields, expected {len(COLUMNS)}")
    name, expected, text = fields
    groups = tuple(tuple(group.split("/")) for group in expected.split(","))
    if any(len(start) < LEAST for group in groups for start in group):
        raise CorpusError(f"{file} line {number}: a procedure needs {LEAST} characters of its code at least")
    return Operated(name, groups, Note((Document(text, id=name),)))
