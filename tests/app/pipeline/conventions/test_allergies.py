"""Allergies that a note lists are reported as the status of their kind."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.allergies import RULE, allergies, report_allergies
from app.pipeline.conventions.answering import Answering
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 1, probability, probability, True, (), {})


def reported(text: str) -> dict[str, CodedItem]:
    note = segment_read(Note((Document(text),)))
    answer = Answering({}, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_allergies(answer, note, AssertionReader(note))
    return answer.items


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Allergies: amoxicillin (rash)", {"Z88.0"}),
        ("ALLERGIES: Penicillin, sulfa, codeine", {"Z88.0", "Z88.2", "Z88.5"}),
        (
            "ALLERGIES:\n- Levofloxacin: tendon pain\n- Bactrim: hives\n\nMEDICATIONS:\naspirin 81 mg",
            {"Z88.1", "Z88.2"},
        ),
        ("Allergic to erythromycin.", {"Z88.1"}),
        ("All: doxycycline (sun rash).", {"Z88.1"}),
        ("Vancomycin was used because of her penicillin allergy.", {"Z88.0"}),
        ("Allergies: lidocaine", {"Z88.4"}),
        ("Allergies: morphine causes itching", {"Z88.5"}),
        ("Allergic to ibuprofen and naproxen.", {"Z88.6"}),
        ("Allergy: influenza vaccine", {"Z88.7"}),
        ("Allergies: atorvastatin, carbamazepine", {"Z88.8"}),
        ("ALLERGIES: IV contrast - throat swelling", {"Z91.041"}),
        ("Latex allergy.", {"Z91.040"}),
        ("Allergies: adhesive tape", {"Z91.048"}),
        ("Food allergy, peanut.", {"Z91.010"}),
        ("Allergic to milk and eggs.", {"Z91.0110", "Z91.0120"}),
        ("Shellfish anaphylaxis in 2015.", {"Z91.013"}),
        ("Tree nut allergy, carries epinephrine.", {"Z91.018"}),
        ("Allergic to bee stings.", {"Z91.030"}),
        ("Allergies: wasps", {"Z91.038"}),
        ("Cephalexin gave her hives.", {"Z88.1"}),
        ("Penicillin caused a rash.", {"Z88.0"}),
        ("FH: mother diabetes.\nAll: haloperidol - stiffness.", {"Z88.8"}),
        ("Allergic to sulfa, so no TMP-SMX.", {"Z88.2"}),
    ],
)
def test_a_listed_allergen_is_reported_as_its_status(text: str, codes: set[str]) -> None:
    found = reported(text)
    assert set(found) == codes
    read = segment_read(Note((Document(text),))).note.documents[0].text
    for one in found.values():
        assert all(read[words.start : words.end] == words.text for words in one.evidence)
        assert [w.rule for w in one.warnings] == [RULE]


@pytest.mark.parametrize(
    "text",
    [
        "NKDA.",
        "Allergies: no known drug allergies.",
        "Allergies: none.",
        "Denies allergy to penicillin.",
        "No latex allergy.",
        "Not allergic to penicillin.",
        "Penicillin allergy label is removed after challenge.",
        "Egg allergy outgrown.",
        "Brother with peanut allergy.",
        "Allergic rhinitis, takes cetirizine.",
        "Allergies: none. Medications: amoxicillin 500 mg tid, ibuprofen",
        "Latex allergy testing was negative.",
        "Continue amoxicillin. Seasonal allergies to ragweed.",
        "Aspirin 81 mg daily.",
        "Tolerated cephalexin without rash.",
    ],
)
def test_what_is_denied_or_no_allergen_is_not(text: str) -> None:
    assert reported(text) == {}


def test_every_kind_names_a_code_of_the_tabular_list() -> None:
    billable = {code.code: code.billable for code in ICD10CM(terms=None).codes()}
    assert all(billable[code] for code, _ in allergies().kinds)
