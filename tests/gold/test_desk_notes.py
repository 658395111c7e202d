"""The ten desk notes are well-formed and true to the code set. No coder is run here."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from app.evaluation.us_notes import GoldCode, UsNote, UsNotes
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import Code

NOTES = UsNotes(Path(__file__).parent / "desk_notes").notes()
ROWS = [(note, row) for note in NOTES for row in note.rows]


@pytest.fixture(scope="session")
def codes(icd10cm: ICD10CM) -> dict[str, Code]:
    return {code.code: code for code in icd10cm.codes()}


def fold(text: str) -> str:
    """Case-folded; apostrophes vanish, other punctuation separates words."""
    return " ".join(re.sub(r"[\W_]+", " ", re.sub(r"['\u2019]", "", text.casefold())).split())


def test_there_are_two_notes_of_each_kind() -> None:
    assert Counter(note.specialty for note in NOTES) == dict.fromkeys(
        ("clinic", "discharge", "ed", "operative", "radiology"), 2
    )
    assert len({note.text for note in NOTES}) == 10


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.id)
def test_a_note_has_the_promised_size(note: UsNote) -> None:
    assert 300 <= len(note.text.split()) <= 1500
    assert 4 <= len(note.gold) == len(note.rows) <= 10
    assert note.forbidden


def test_gold_accepted_and_optional_codes_are_billable(codes: dict[str, Code]) -> None:
    named = [(note.id, code) for note in NOTES for code in (*note.gold, *note.accepted(), *note.optional)]
    assert [(id, code) for id, code in named if code not in codes or not codes[code].billable] == []


def test_forbidden_codes_exist_and_are_not_demanded(codes: dict[str, Code]) -> None:
    for note in NOTES:
        assert [code for code in note.forbidden if code not in codes] == [], note.id
        allowed = {*note.gold, *note.accepted()}
        assert note.violations(sorted(allowed | note.uncounted)) == [], note.id
        assert allowed.isdisjoint(note.optional), note.id


@pytest.mark.parametrize(("note", "row"), ROWS, ids=[f"{note.id[:2]}-{row.code}" for note, row in ROWS])
def test_the_wording_stands_in_the_note(note: UsNote, row: GoldCode) -> None:
    assert row.wording.strip() == row.wording != ""
    assert row.wording in note.text


def test_the_flags_are_true_to_the_tables(icd10cm: ICD10CM) -> None:
    forms = frozenset(fold(form.text) for form in icd10cm.forms())
    assert [(note.id, row.code) for note, row in ROWS if row.in_tables != (fold(row.wording) in forms)] == []
