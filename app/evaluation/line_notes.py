"""Marked lines of our own as practice notes of one line: they teach the last stage how short texts are read.

The lines taught the encoder, and their marked words are wordings of the index (index_builder/tables/lines), so their
scores promise too much: a few of them, at a small weight, show that a text of one line means what it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.evaluation.practice_notes import PracticeNote
from index_builder.tables.lines import MarkedLine

EVERY = 5  # lines, of which one is read


def line_notes(lines: Sequence[MarkedLine]) -> list[PracticeNote]:
    """Every fifth line, named by its place."""
    return [
        PracticeNote.of(f"line-{number}", "line", line.text, line.marks)
        for number, line in enumerate(lines)
        if number % EVERY == 0
    ]
