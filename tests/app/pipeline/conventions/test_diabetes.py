"""The kind of diabetes that a note states decides between E10 and E11."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.diabetes import RULE, settle_kind
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM

BILLABLE = frozenset(code.code for code in ICD10CM().codes() if code.billable)


def item(code: str, probability: float) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 1, probability, probability, True, (), {})


def settled(text: str, *items: CodedItem) -> Answering:
    note = segment_read(Note((Document(text),)))
    make = {code: item(code, 0.0) for code in BILLABLE}.get
    answer = Answering({one.code: one for one in items}, 0.3, set(), make, lambda p: p)
    settle_kind(answer, note, AssertionReader(note))
    return answer


def worths(answer: Answering) -> dict[str, float]:
    return {code: one.probability or 0.0 for code, one in answer.items.items()}


@pytest.mark.parametrize(
    ("text", "found", "meant"),
    [
        ("24 yo M w/ T1DM dx at 9. Admitted with DKA.", "E11.10", "E10.10"),
        ("Type 1 diabetes mellitus with proliferative retinopathy", "E11.3599", "E10.3599"),
        ("Diabetes mellitus, type I, gastroparesis", "E11.43", "E10.43"),
        ("DM1 since childhood, gastroparesis", "E11.43", "E10.43"),
        ("Juvenile-onset diabetes. Nephropathy.", "E11.21", "E10.21"),
        ("T2DM on insulin, DKA on arrival", "E10.10", "E11.10"),
        ("DM type 2 with neuropathy", "E10.42", "E11.42"),
        ("NIDDM. Foot ulcer.", "E10.621", "E11.621"),
        ("History of type 2 diabetes. A1c 9.", "E10.65", "E11.65"),
        ("T1DM. Mother has T2DM. DKA.", "E11.10", "E10.10"),  # hers is no statement about the patient
        ("Type 1 DM. DKA. Not type 2 diabetes.", "E11.10", "E10.10"),
    ],
)
def test_codes_become_those_of_the_stated_kind(text: str, found: str, meant: str) -> None:
    answer = settled(text, item(found, 0.8))
    assert worths(answer) == pytest.approx({found: 0.8 * (1 - 0.792), meant: 0.792}, abs=1e-3)
    new = answer.items[meant]
    assert new.warnings[-1].rule == RULE and new.warnings[-1].codes == (found,)
    assert new.evidence[-1].text in segment_read(Note((Document(text),))).note.documents[0].text
    assert answer.items[found].warnings[-1].codes == (meant,)


@pytest.mark.parametrize(
    "text",
    [
        "Diabetes on insulin, DKA.",  # no kind
        "Insulin-dependent diabetes with DKA.",
        "Possible type 1 diabetes, DKA.",
        "T1DM per the chart, but type 2 diabetes per the referral. DKA.",
        "Type 2 vs. type 1 diabetes, DKA.",
        "Brother has type 1 diabetes. DKA.",
        "Type 1 DM coded before; now thought to be LADA. DKA.",
        "T1 vertebral fracture and T2 lesion on MRI. DKA.",
    ],
)
def test_an_open_kind_changes_nothing(text: str) -> None:
    items = item("E11.10", 0.8), item("E10.10", 0.4)
    assert worths(settled(text, *items)) == {"E11.10": 0.8, "E10.10": 0.4}


def test_what_is_hardly_probable_and_other_categories_stay() -> None:
    found = worths(settled("T1DM with DKA", item("E11.9", 0.1), item("E10.10", 0.8), item("E13.9", 0.5)))
    assert found == {"E11.9": 0.1, "E10.10": 0.8, "E13.9": 0.5}


def test_a_code_that_the_stated_kind_does_not_have_steps_back_alone() -> None:
    found = worths(settled("T1DM, hyperosmolar state", item("E11.00", 0.8)))
    assert found == {"E11.00": pytest.approx(0.16)}


def test_an_answered_code_of_the_stated_kind_is_never_less_probable() -> None:
    found = worths(settled("T1DM with DKA", item("E11.10", 0.5), item("E10.10", 0.9)))
    assert found == {"E11.10": pytest.approx(0.05), "E10.10": 0.9}
