"""Tobacco, smoke around the patient and immunizations, as notes state them in plain words."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.statements import report_statements, topics
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 1, probability, probability, True, (), {})


def reported(text: str, *items: CodedItem, age_years: float | None = None) -> dict[str, CodedItem]:
    note = segment_read(Note((Document(text),)))
    answer = Answering({one.code: one for one in items}, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_statements(answer, note, AssertionReader(note), age_years)
    return answer.items


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Social: smokes 1 ppd, two beers on weekends.", "F17.210"),
        ("He smokes half a pack a day.", "F17.210"),
        ("She smokes one to two packs of cigarettes per day.", "F17.210"),
        ("40 pack-year smoker, still smoking.", "F17.210"),
        ("Current every day smoker", "F17.200"),
        ("Current every day smoker, cigarettes", "F17.210"),
        ("Cigarettes 10/d, not interested in patches.", "F17.210"),
        ("Tobacco abuse.", "F17.200"),
        ("Tobacco abuse. Cigarettes found in his coat.", "F17.210"),
        ("She is a smoker and drinks on weekends.", "F17.200"),
        ("He continues to smoke.", "F17.200"),
        ("She still smokes.", "F17.200"),
        ("Rolls his own, 15 cigs/day, not ready to quit.", "F17.210"),
        ("Smoker, 1.5 packs/day.", "F17.210"),
        ("Tobacco use disorder, cigarettes", "F17.210"),
        ("Two packs a day for thirty years.", "F17.210"),
        ("Lives with his wife, he smokes a pack a day.", "F17.210"),
        ("Chews tobacco daily.", "F17.220"),
        ("Smokeless tobacco, one can a week.", "F17.220"),
        ("He dips snuff at work.", "F17.220"),
        ("Vapes nicotine every evening.", "F17.290"),
        ("Uses e-cigarettes.", "F17.290"),
        ("He smokes a pipe after dinner.", "F17.290"),
        ("Smokes cigars on weekends.", "F17.290"),
        ("Quit smoking in 2011.", "Z87.891"),
        ("Ex-smoker.", "Z87.891"),
        ("Former smoker, 30 pack-years.", "Z87.891"),
        ("Quit cigarettes 1994.", "Z87.891"),
        ("Smoked 1 ppd until 2015.", "Z87.891"),
        ("She stopped smoking 20 years ago.", "Z87.891"),
        ("No smoking since 1988.", "Z87.891"),
        ("30 pack-year history, quit at 50.", "Z87.891"),
        ("Tobacco: former, 10 years off.", "Z87.891"),
        ("Smoked two packs a day, quit after the stroke.", "Z87.891"),
        ("Exposed to secondhand smoke.", "Z77.22"),
        ("Lives with grandmother smokes inside the house.", "Z77.22"),
        ("Tdap given today.", "Z23"),
        ("Flu shot today.", "Z23"),
        ("Gave Shingrix #1.", "Z23"),
        ("High-dose influenza vaccine administered.", "Z23"),
        ("PCV20 given, tolerated well.", "Z23"),
        ("Immunizations administered today.", "Z23"),
        ("Hepatitis B #1 given.", "Z23"),
    ],
)
def test_plain_words_state_a_code(text: str, code: str) -> None:
    found = reported(text)
    assert list(found) == [code]
    words, read = found[code].evidence[0], segment_read(Note((Document(text),))).note.documents[0].text
    assert read[words.start : words.end] == words.text
    assert [w.rule for w in found[code].warnings] == [
        t.rule for t in topics() if code in {s.code for s in t.statements} or (t.unnamed and code == t.unnamed.plain)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Never smoker.",
        "Nonsmoker, no alcohol.",
        "Denies tobacco, vaping and drugs.",
        "She does not smoke.",
        "Her husband smokes a pack a day.",
        "Mother smokes outside.",
        "Smoking cessation.",
        "Counselled on the risks of smoking.",
        "Smoke detectors at home.",
        "Smokes marijuana on weekends.",
        "Smokes a joint every night.",
        "No tobacco.",
        "If he smokes, healing is slower.",
        "Father is a former smoker.",
        "THC vape all day.",
        "Quit line number given.",
        "Nasal packing removed, two packs.",
        "Urine dip negative.",
        "Never chewed tobacco.",
        "Immunizations up to date.",
        "Flu vaccine declined today.",
        "Tdap given in 2019.",
        "Shingrix recommended today.",
        "PCV20 due, will be given next visit.",
        "Received COVID vaccine last fall.",
        "Flu and COVID tests negative today.",
        "Hepatitis B surface antibody drawn today.",
    ],
)
def test_what_is_denied_of_others_or_planned_states_nothing(text: str) -> None:
    assert reported(text) == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Former smoker. She still smokes half a pack a day.", "F17.210"),
        ("Tobacco abuse. He quit smoking in 2010.", "Z87.891"),
        ("Smokes 1 ppd. Quit smoking in 2010 for a year, still smoking now.", "F17.210"),
        ("Former smoker. Vapes nicotine daily.", "F17.290"),
    ],
)
def test_of_what_contradicts_the_plainer_wins(text: str, code: str) -> None:
    assert set(reported(text)) == {code}


def test_what_contradicts_steps_back() -> None:
    found = reported("Quit smoking in 2010.", item("F17.210", 0.6))
    told = found["Z87.891"].probability or 0.0
    assert found["F17.210"].probability == pytest.approx(0.6 * (1 - told), abs=1e-4)


def test_a_smoker_whose_product_is_not_named_has_no_cigarettes() -> None:
    found = reported("He continues to smoke.", item("F17.210", 0.6))
    told = found["F17.200"].probability or 0.0
    assert found["F17.210"].probability == pytest.approx(0.6 * (1 - told), abs=1e-4)
    assert "F17.200" not in reported("He continues to smoke, a pack lasts two days.")


def test_a_newborns_chart_tells_the_mothers_cigarettes_and_the_childs_vaccine() -> None:
    text = "Newborn nursery. Birth weight 3200 g, Apgars 8 and 9. Cigarettes 10/d in pregnancy. Hepatitis B #1 given."
    assert set(reported(text)) == {"Z23"}
    assert set(reported(text, age_years=30)) == {"F17.210", "Z23"}


def test_every_statement_names_a_code_of_the_tabular_list() -> None:
    billable = {code.code: code.billable for code in ICD10CM(terms=None).codes()}
    assert all(billable[row.code] for topic in topics() for row in topic.statements)
    assert all(0 < row.probability <= 0.9 for topic in topics() for row in topic.statements)
