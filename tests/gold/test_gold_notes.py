"""Desk, ward and mixed notes are well-formed, true to the code set and to their rules. No coder is run here."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.evaluation.us_notes import GoldCode, UsNote, UsNotes
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import Code

GOLD = Path(__file__).parent
KINDS = ("clinic", "discharge", "ed", "operative", "radiology")


@dataclass(frozen=True, slots=True)
class Promise:
    """How many notes a suite has, of how many specialties, and the least and most of what is in each."""

    notes: int
    specialties: int
    words: tuple[int, int]
    gold: tuple[int, int]
    forbidden: tuple[int, int]


SUITES = {
    "desk_notes": Promise(10, 5, (300, 1500), (4, 11), (1, 99)),
    "desk_notes_second": Promise(5, 5, (300, 1500), (4, 11), (1, 99)),
    "ward_notes": Promise(10, 10, (200, 500), (6, 16), (2, 5)),
    "mixed_notes": Promise(20, 19, (200, 500), (5, 16), (2, 6)),
    "varied_notes": Promise(24, 24, (200, 500), (5, 16), (2, 12)),
}
NOTES = [(name, note) for name in SUITES for note in UsNotes(GOLD / name).notes()]
ROWS = [(name, note, row) for name, note in NOTES for row in note.rows]


@pytest.fixture(scope="session")
def codes(icd10cm: ICD10CM) -> dict[str, Code]:
    return {code.code: code for code in icd10cm.codes()}


def fold(text: str) -> str:
    """Case-folded; apostrophes vanish, other punctuation separates words."""
    return " ".join(re.sub(r"[\W_]+", " ", re.sub(r"['\u2019]", "", text.casefold())).split())


@pytest.mark.parametrize(("name", "promise"), SUITES.items())
def test_a_suite_has_its_notes_and_specialties(name: str, promise: Promise) -> None:
    notes = UsNotes(GOLD / name).notes()
    assert len({note.specialty for note in notes}) == promise.specialties
    assert len({note.text for note in notes}) == len({note.id for note in notes}) == promise.notes == len(notes)


@pytest.mark.parametrize(("name", "each"), [("desk_notes", 2), ("desk_notes_second", 1)])
def test_desk_notes_are_of_every_kind(name: str, each: int) -> None:
    assert Counter(note.specialty for note in UsNotes(GOLD / name).notes()) == dict.fromkeys(KINDS, each)


@pytest.mark.parametrize("name", ["ward_notes", "mixed_notes", "varied_notes"])
def test_notes_are_numbered(name: str) -> None:
    ids = [note.id[:2] for note in UsNotes(GOLD / name).notes()]
    assert ids == [f"{number:02}" for number in range(1, SUITES[name].notes + 1)]


@pytest.mark.parametrize(("name", "note"), NOTES, ids=lambda value: getattr(value, "id", value))
def test_a_note_has_the_promised_size(name: str, note: UsNote) -> None:
    promise = SUITES[name]
    assert promise.words[0] <= len(note.text.split()) <= promise.words[1]
    assert promise.gold[0] <= len(note.gold) == len(note.rows) <= promise.gold[1]
    assert promise.forbidden[0] <= len(note.forbidden) <= promise.forbidden[1]


def test_gold_accepted_and_optional_codes_are_billable(codes: dict[str, Code]) -> None:
    named = [(note.id, code) for _, note in NOTES for code in (*note.gold, *note.accepted(), *note.optional)]
    assert [(id, code) for id, code in named if code not in codes or not codes[code].billable] == []


def test_forbidden_codes_exist_and_are_not_demanded(codes: dict[str, Code]) -> None:
    for _, note in NOTES:
        assert [code for code in note.forbidden if code not in codes] == [], note.id
        allowed = {*note.gold, *note.accepted()}
        assert note.violations(sorted(allowed | note.uncounted)) == [], note.id
        assert allowed.isdisjoint(note.optional), note.id


@pytest.mark.parametrize(
    ("note", "row"),
    [(note, row) for _, note, row in ROWS],
    ids=[f"{name}-{note.id[:2]}-{row.code}" for name, note, row in ROWS],
)
def test_the_wording_stands_in_the_note(note: UsNote, row: GoldCode) -> None:
    assert row.wording.strip() == row.wording != ""
    assert row.wording in note.text


def test_the_flags_are_true_to_the_tables(icd10cm: ICD10CM) -> None:
    forms = frozenset(fold(form.text) for form in icd10cm.forms())
    assert [(note.id, row.code) for _, note, row in ROWS if row.in_tables != (fold(row.wording) in forms)] == []
