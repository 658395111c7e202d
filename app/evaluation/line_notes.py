"""Marked lines of our own as notes of one line: they teach the last stage how short texts are read.

The lines taught the encoder, and their marked words are wordings of the index (index_builder/tables/lines), so their
scores promise too much: a few of them, at a small weight, show that a text of one line means what it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.evaluation.corpora.coded_note import CodedNote
from app.pipeline.note import Document, Note
from index_builder.tables.lines import MarkedLine

EVERY = 5  # lines, of which one is read


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNote(CodedNote):
    """A line as a note. optional: codes that may be reported and need not be."""

    optional: frozenset[str]

    @property
    def uncounted(self) -> frozenset[str]:
        """Codes that may be reported and need not be."""
        return self.optional - self.gold

    @property
    def billed(self) -> bool:
        """Gold is what is billed."""
        return True


def line_notes(lines: Sequence[MarkedLine]) -> list[LineNote]:
    """Every fifth line, named by its place."""
    return [
        LineNote(
            id=f"line-{number}",
            note=Note((Document(line.text, id=f"line-{number}"),)),
            gold=frozenset(mark.code for mark in line.marks if not mark.optional),
            optional=frozenset(mark.code for mark in line.marks if mark.optional),
        )
        for number, line in enumerate(lines)
        if number % EVERY == 0
    ]
