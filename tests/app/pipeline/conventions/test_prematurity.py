"""Weeks and weight at birth in the chart of a newborn."""

from __future__ import annotations

import pytest

from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.prematurity import prematurity, report_prematurity
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 1, probability, probability, True, (), {})


def reported(text: str, *items: CodedItem, age_years: float | None = None) -> dict[str, float | None]:
    note = segment_read(Note((Document(text),)))
    answer = Answering({one.code: one for one in items}, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_prematurity(answer, note, age_years)
    return {code: one.probability for code, one in answer.items.items()}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (
            "NICU admission. Newborn boy born at 31 weeks and 2 days. Birth weight 1,540 g. Apgars 6, 8.",
            {"P07.34", "P07.16"},
        ),
        ("NICU. 26 3/7 week female, 820 g, surfactant twice, day of life 4.", {"P07.25", "P07.03"}),
        ("Newborn delivered at 36w1d to a 31 yo G2P2 mother. BW 2.35 kg, Apgars 8/9.", {"P07.39", "P07.18"}),
        ("Newborn, NICU. Born at 35w0d. Birth weight 2,700 grams.", {"P07.38"}),
        ("NICU: infant born at 22w5d, birth weight 480 g.", {"P07.21", "P07.01"}),
    ],
)
def test_an_early_or_light_birth_is_reported(text: str, codes: set[str]) -> None:
    assert set(reported(text)) == codes


@pytest.mark.parametrize(
    ("text", "age_years"),
    [
        ("Newborn born at 39w2d, birth weight 3400 g, Apgars 9 and 9.", None),
        ("29-year-old G1P0 at 34w1d, cervix 4 cm, contractions. Neonatal team and NICU aware.", None),
        ("6-year-old boy, born at 29w1d, NICU stay, birth weight 1100 g. Cough today.", None),
        ("Newborn exam. Born at 33w2d, NICU, birth weight 1900 g.", 3.0),
        ("NICU, newborn. Now 36w2d corrected, feeding well.", None),
    ],
)
def test_a_term_birth_and_other_charts_are_not(text: str, age_years: float | None) -> None:
    assert reported(text, age_years=age_years) == {}


def test_a_weight_of_slow_growth_is_not_that_of_an_early_birth() -> None:
    text = "Newborn, NICU. Born at 35w3d, small for gestational age, birth weight 1,800 g."
    assert set(reported(text)) == {"P07.38"}


def test_others_step_back() -> None:
    found = reported("Newborn, NICU. Born at 39w0d, birth weight 3,100 g.", item("P07.38", 0.5))
    assert found["P07.38"] == pytest.approx(0.5 * (1 - prematurity().probability), abs=1e-4)


def test_the_tables_are_true_to_the_titles() -> None:
    titles = {code.code: code.title for code in ICD10CM(terms=None).codes() if code.billable}
    for least, code in prematurity().by_weeks:
        assert code is None or least == 0 or f"{least:g} completed weeks" in titles[code]
    for least, code in prematurity().by_weight:
        assert code is None or least == 0 or f"{least:g}-" in titles[code]
