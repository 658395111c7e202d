"""The suite of US notes is well-formed and its flags are true to the code set. No coder is run here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.evaluation.us_notes import GoldCode, UsNote, UsNotes
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import Code

SUITE = Path(__file__).parent / "us_notes"
NOTES = UsNotes(SUITE).notes()
ROWS = [(note, row) for note in NOTES for row in note.rows]


def fold(text: str) -> str:
    """Case-folded; apostrophes vanish, other punctuation separates words."""
    return " ".join(re.sub(r"[\W_]+", " ", re.sub(r"['\u2019]", "", text.casefold())).split())


@pytest.fixture(scope="session")
def codes(icd10cm: ICD10CM) -> dict[str, Code]:
    return {code.code: code for code in icd10cm.codes()}


@pytest.fixture(scope="session")
def folded_forms(icd10cm: ICD10CM) -> frozenset[str]:
    return frozenset(fold(form.text) for form in icd10cm.forms())


def test_there_are_forty_notes_of_twenty_specialties_or_more() -> None:
    assert len(NOTES) == 40
    assert [note.id[:2] for note in NOTES] == [f"{number:02}" for number in range(1, 41)]
    assert len({note.specialty for note in NOTES}) >= 20
    assert len({note.text for note in NOTES}) == 40


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.id)
def test_a_note_has_the_promised_size(note: UsNote) -> None:
    assert 900 <= len(note.text) <= 3500
    assert 2 <= len(note.rows) <= 6
    assert len(note.gold) == len(note.rows)
    assert len(note.forbidden) <= 4


def test_gold_accepted_and_optional_codes_are_billable(codes: dict[str, Code]) -> None:
    named = [(note.id, code) for note in NOTES for code in (*note.gold, *note.accepted(), *note.optional)]
    assert [(id, code) for id, code in named if code not in codes or not codes[code].billable] == []


def test_forbidden_codes_exist(codes: dict[str, Code]) -> None:
    assert [(note.id, code) for note in NOTES for code in note.forbidden if code not in codes] == []


def test_no_note_forbids_or_calls_optional_what_it_demands() -> None:
    for note in NOTES:
        allowed = {*note.gold, *note.accepted()}
        assert note.violations(sorted(allowed | set(note.optional))) == [], note.id
        assert allowed.isdisjoint(note.optional), note.id
        assert len(allowed) == len(note.gold) + sum(len(row.accepted) for row in note.rows), note.id


@pytest.mark.parametrize(("note", "row"), ROWS, ids=[f"{note.id[:2]}-{row.code}" for note, row in ROWS])
def test_the_wording_stands_in_the_note(note: UsNote, row: GoldCode) -> None:
    assert row.wording.strip() == row.wording != ""
    assert row.wording in note.note.documents[0].text


def test_the_flags_are_true_to_the_tables(folded_forms: frozenset[str]) -> None:
    wrong = [
        (note.id, row.code, row.in_tables) for note, row in ROWS if row.in_tables != (fold(row.wording) in folded_forms)
    ]
    assert wrong == []


def test_about_half_of_the_wordings_are_absent_from_the_tables() -> None:
    absent = sum(not row.in_tables for _, row in ROWS)
    assert 0.45 <= absent / len(ROWS) <= 0.60


def test_files_are_plain_utf8_with_unix_line_ends() -> None:
    for file in (*SUITE.glob("*.txt"), SUITE / "gold.jsonl"):
        content = file.read_bytes()
        assert content.decode("utf-8").endswith("\n"), file.name
        assert b"\r" not in content and not content.startswith(b"\xef\xbb\xbf"), file.name
