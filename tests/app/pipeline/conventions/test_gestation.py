"""Weeks of gestation of a pregnant patient."""

from __future__ import annotations

import pytest

from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.gestation import report_gestation, weeks_code
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 1, probability, probability, True, (), {})


def reported(text: str, *items: CodedItem) -> dict[str, float | None]:
    note = segment_read(Note((Document(text),)))
    answer = Answering({one.code: one for one in items}, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_gestation(answer, note, None)
    return {code: one.probability for code, one in answer.items.items() if code not in {o.code for o in items}}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("27-year-old G2P1 at 38w3d in active labor.", "Z3A.38"),
        ("G1P0 at 39 weeks and 4 days with leaking fluid.", "Z3A.39"),
        ("IUP at 28 weeks.", "Z3A.28"),
        ("Pregnant, at 32 5/7 weeks.", "Z3A.32"),
        ("G4P2012 @ 31w2d by 9 wk sono. IUP 31w2d, doing well. Delivery at 37w0d.", "Z3A.31"),
        ("Intrauterine pregnancy at 11 weeks 2 days with vomiting.", "Z3A.11"),
        ("Pregnant, 6w1d by ultrasound.", "Z3A.01"),
        ("31-year-old, 24 weeks pregnant.", "Z3A.24"),
    ],
)
def test_the_weeks_of_the_note_are_reported(text: str, code: str) -> None:
    assert set(reported(text)) == {code}


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Follow up in 6 weeks.", [item("O24.410", 0.8)]),
        ("Cough for 3 weeks and 2 days.", [item("J20.9", 0.8)]),
        ("G3P1 about 9w2d with heavy bleeding.", [item("O03.6", 0.8)]),
        ("Prior delivery at 34w2d, now not pregnant.", []),
        ("Newborn female, born at 39w1d. Birth weight 3300 grams, Apgars 9 and 9.", []),
    ],
)
def test_other_weeks_are_not(text: str, items: list[CodedItem]) -> None:
    assert reported(text, *items) == {}


def test_an_answered_pregnancy_does_without_its_words_and_other_weeks_step_back() -> None:
    note = segment_read(Note((Document("Seen at 30w4d, feeling well."),)))
    items = {"O24.410": item("O24.410", 0.8), "Z3A.34": item("Z3A.34", 0.5)}
    answer = Answering(items, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_gestation(answer, note, None)
    told = answer.items["Z3A.30"].probability or 0.0
    assert answer.items["Z3A.34"].probability == pytest.approx(0.5 * (1 - told), abs=1e-4)


def test_every_week_has_a_code_of_the_tabular_list() -> None:
    billable = {code.code: code.billable for code in ICD10CM(terms=None).codes()}
    assert all(billable[weeks_code(weeks)] for weeks in range(4, 46))
    assert [weeks_code(weeks) for weeks in (7, 8, 42, 43)] == ["Z3A.01", "Z3A.08", "Z3A.42", "Z3A.49"]
