from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.evaluation.practice_notes import PracticeNotes
from app.feedback.export import LeftOut, export, marked
from app.feedback.review import Decided, Decision, OffsetUnit, Place
from tests.app.feedback.reviews import TEXT, accepted, place, rejected, review


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "visit.txt").write_bytes(TEXT.encode())
    return folder


def test_export_is_read_as_practice_notes(tmp_path: Path, notes: Path) -> None:
    one = review(
        accepted("M10.9", place("gout")),
        rejected("J45.20", place("asthma")),
        Decided("F17.210", Decision.ADDED, (place("Smokes"),)),
    )
    done = export([one], notes)
    assert (done.notes, done.codes, done.left_out) == (1, 2, {})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "reviewed.txt").write_text(done.text, encoding="utf-8")
    [read] = PracticeNotes(tmp_path / "out").notes()
    assert read.note.documents[0].text == TEXT
    assert read.gold == {"M10.9", "F17.210"}
    assert {TEXT[mark.start : mark.end] for mark in read.marks} == {"gout", "Smokes"}


def test_offsets_in_utf16_find_the_same_words() -> None:
    unit = OffsetUnit.UTF16
    one = replace(review(accepted("M10.9", place("gout", unit))), offset_unit=unit)
    assert "[[gout|M10.9]]" in marked(TEXT, one)


def test_overlapping_words_share_a_mark() -> None:
    one = review(accepted("M10.9", place("gout")), accepted("M10.072", place("gout of the left foot")))
    assert "[[gout of the left foot|M10.9+M10.072]]" in marked(TEXT, one)


def test_words_over_a_line_break_are_cut_to_one_line() -> None:
    one = review(accepted("M10.9", place("foot.\nNo asthma")))
    assert "[[No asthma|M10.9]]" in marked(TEXT, one)


@pytest.mark.parametrize(
    ("decisions", "reason"),
    [
        ([rejected("M10.9", place("gout"))], "no code"),
        ([Decided("M10.9", Decision.ADDED)], "without its words"),
        ([accepted("M10.9", Place(1, 0, 4))], "several documents"),
        ([accepted("M10.9", Place(0, 10, 10_000))], "outside the note"),
    ],
)
def test_review_that_cannot_be_marked_is_left_out(decisions: list[Decided], reason: str, notes: Path) -> None:
    with pytest.raises(LeftOut, match=reason):
        marked(TEXT, review(*decisions))
    assert sum(export([review(*decisions)], notes).left_out.values()) == 1


def test_note_with_marks_of_its_own_is_left_out() -> None:
    text = "Seen [[here|X]] for gout."
    with pytest.raises(LeftOut, match="signs of the format"):
        marked(text, review(accepted("M10.9", place("gout", text=text))))


@pytest.mark.parametrize("note_id", [None, "elsewhere", "../notes/visit"])
def test_review_without_its_note_is_left_out(note_id: str | None, notes: Path) -> None:
    done = export([review(accepted("M10.9", place("gout")), note_id=note_id)], notes)
    assert (done.notes, done.text) == (0, "")


def test_last_review_of_a_note_counts(notes: Path) -> None:
    first = review(accepted("M10.9", place("gout")), name="1")
    second = review(accepted("J45.20", place("asthma")), name="2")
    text = export([first, second], notes).text
    assert "J45.20" in text and "M10.9" not in text
