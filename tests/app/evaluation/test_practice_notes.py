"""Practice notes: marks come out of the text, and every one of the shipped notes is in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.evaluation.corpora import open_corpus
from app.evaluation.errors import CorpusError
from app.evaluation.practice_notes import SHIPPED, PracticeNotes
from app.evaluation.us_notes import UsNotes
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.marks import unmarked

GOLD = Path(__file__).parents[2] / "gold"


def test_marks_leave_the_text_and_keep_their_place() -> None:
    text, marks = unmarked("Has [[gout|M10.9]], on [[aspirin|?Z79.82]]; [[heart failure with HTN|I11.0+I50.9]].")
    assert text == "Has gout, on aspirin; heart failure with HTN."
    assert [(text[m.start : m.end], m.code, m.optional) for m in marks] == [
        ("gout", "M10.9", False),
        ("aspirin", "Z79.82", True),
        ("heart failure with HTN", "I11.0", False),
        ("heart failure with HTN", "I50.9", False),
    ]


def test_a_code_that_is_marked_both_ways_is_gold(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("=== a-01 | clinic\n[[gout|?M10.9]] and [[podagra|M10.9]]\n", encoding="utf-8")
    note = PracticeNotes(tmp_path).notes()[0]
    assert (set(note.gold), set(note.uncounted), note.text) == ({"M10.9"}, set(), "gout and podagra")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no head\n", "line 1: expected"),
        ("=== a-01 | clinic\n[[gout|M10.9]\n", "note a-01 has a mark"),
        ("=== a-01 | clinic\nx\n=== a-01 | clinic\ny\n", "names a note twice"),
    ],
)
def test_malformed_files_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        PracticeNotes(tmp_path).notes()


def test_splits_share_no_note_and_an_unknown_one_is_refused() -> None:
    notes = PracticeNotes()
    train, aside = ({n.id for n in notes.notes(split)} for split in ("train", "aside"))
    assert not train & aside and train | aside == {n.id for n in notes.notes()}
    with pytest.raises(CorpusError, match="no split dev"):
        notes.notes("dev")


def test_every_shipped_note_has_codes_that_can_be_billed() -> None:
    billable = {code.code for code in ICD10CM(terms=None).codes() if code.billable}
    notes = open_corpus("practice", SHIPPED).notes("all")
    assert len(notes) >= 100
    assert not [note.id for note in notes if not note.gold or not note.gold <= billable]


@pytest.mark.parametrize("folder", ["us_notes", "ward_notes", "mixed_notes", "varied_notes"])
def test_no_sentence_of_the_gold_notes_was_practised(folder: str) -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = text.casefold().split()
        return {tuple(words[at : at + 12]) for at in range(len(words) - 11)}

    practised = set().union(*(runs(note.text) for note in PracticeNotes().notes()))
    assert not [note.id for note in UsNotes(GOLD / folder).notes() if runs(note.text) & practised]
