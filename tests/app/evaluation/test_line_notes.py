"""Marked lines as notes of one line."""

from __future__ import annotations

from app.evaluation.line_notes import EVERY, line_notes
from index_builder.marks import unmarked
from index_builder.tables.lines import MarkedLine, load_lines


def test_a_line_has_the_codes_of_its_marks() -> None:
    [note] = line_notes([MarkedLine(*unmarked("[[Gout|M10.9]] and [[HTN|I10+?Z79.899]] on [[lisinopril|?I10]]"))])
    assert note.text == "Gout and HTN on lisinopril" and note.billed
    assert note.gold == {"M10.9", "I10"} and note.uncounted == {"Z79.899"}


def test_every_fifth_of_the_shipped_lines_is_read_once() -> None:
    lines = load_lines()
    notes = line_notes(lines)
    assert len({note.id for note in notes}) == len(notes) == -(-len(lines) // EVERY) > 1000
    assert notes[1].text == lines[EVERY].text
