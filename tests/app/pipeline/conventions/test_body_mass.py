"""The body mass index of the note is its code, beside the condition that it belongs to."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.body_mass import body_mass, report_body_mass
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 1, probability, probability, True, (), {})


def reported(text: str, *items: CodedItem, age_years: float | None = None) -> dict[str, float | None]:
    note = segment_read(Note((Document(text),)))
    answer = Answering({one.code: one for one in items}, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_body_mass(answer, note, AssertionReader(note), age_years)
    return {code: one.probability for code, one in answer.items.items()}


@pytest.mark.parametrize(
    ("text", "condition", "code"),
    [
        ("Morbid obesity, BMI 43.2.", "E66.01", "Z68.41"),
        ("class 2 obesity with BMI of 37.4", "E66.812", "Z68.37"),
        ("Vitals: BP 128/80, body mass index is 31.0 kg/m2", "E66.811", "Z68.31"),
        ("Overweight (BMI: 27.8)", "E66.3", "Z68.27"),
        ("cachectic, BMI 16.4", "R64", "Z68.1"),
        ("BMI today 52", "E66.813", "Z68.43"),
        ("Obesity. BMI = 40", "E66.9", "Z68.41"),
    ],
)
def test_the_index_is_reported_beside_its_condition(text: str, condition: str, code: str) -> None:
    assert reported(text, item(condition, 0.6))[code] == pytest.approx(0.594)


@pytest.mark.parametrize(
    ("text", "items", "age_years"),
    [
        ("BMI 27.1, well nourished", [item("I10", 0.8)], None),  # no condition that it belongs to
        ("Obesity, BMI at the 97th percentile", [item("E66.9", 0.8)], None),
        ("6-year-old boy with obesity, BMI 24.1", [item("E66.9", 0.8)], None),
        ("Obesity, BMI 33", [item("E66.9", 0.8)], 12.0),
        ("Obesity, weight 118 kg", [item("E66.9", 0.8)], None),
        ("BMI 31", [item("E66.9", 0.1)], None),  # hardly an obesity
        ("No obesity, BMI 29", [item("I10", 0.8)], None),
        ("Mother is obese. BMI 24", [item("I10", 0.8)], None),
        ("28-year-old at 30 weeks, class 2 obesity, BMI 37", [item("O99.213", 0.8)], None),
        ("9 y/o with asthma, BMI 41", [item("J45.20", 0.8)], None),
    ],
)
def test_an_index_alone_or_of_a_child_is_not(text: str, items: list[CodedItem], age_years: float | None) -> None:
    assert set(reported(text, *items, age_years=age_years)) == {one.code for one in items}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Smoker for 12 years. Obesity discussed, BMI 33.2", "Z68.33"),
        ("51F, overweight, BMI 27.5", "Z68.27"),
        ("BMI 44.6", "Z68.41"),
        ("Admitted with BMI 15.9", "Z68.1"),
        ("Cachectic, BMI 18.9", "Z68.1"),
    ],
)
def test_the_notes_own_words_or_an_extreme_index_do_without_an_answered_condition(text: str, code: str) -> None:
    assert reported(text, item("I10", 0.8))[code] == pytest.approx(0.99 * body_mass().probability, abs=1e-4)


def test_an_index_steps_back_in_a_pregnancy() -> None:
    found = reported("Class 2 obesity, BMI 37", item("O99.213", 0.8), item("Z68.37", 0.5))
    assert found["Z68.37"] == pytest.approx(0.1)


def test_other_indexes_step_back() -> None:
    found = reported("BMI 43.2", item("E66.813", 0.8), item("Z68.37", 0.5))
    assert found["Z68.41"] == pytest.approx(0.792)
    assert found["Z68.37"] == pytest.approx(0.5 * (1 - 0.792), abs=1e-4)


def test_the_table_is_true_to_the_titles() -> None:
    titles = {code.code: code.title for code in ICD10CM(terms=None).codes() if code.billable}
    rules = body_mass()
    for least, code in rules.least:
        assert rules.code(least) == rules.code(least + 0.5) == code
        assert least == 0 or f" {least:g}" in titles[code]
    adults = {code for code, title in titles.items() if code.startswith("Z68") and "adult" in title}
    assert {code for _, code in rules.least} == adults
