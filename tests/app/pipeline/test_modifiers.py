"""What stands around a finding: taken off where no code asks for it, read without it where some do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.clauses import cut_clauses
from app.pipeline.modifiers import bared, lifelong, unmodified


def _bare(text: str) -> str:
    start, end = bared(text, (0, len(text)))
    return text[start:end]


def _clauses(text: str) -> list[str]:
    return [text[start:end] for start, end in cut_clauses(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("known diabetes", "diabetes"),
        ("Underlying COPD", "COPD"),
        ("evaluation of chest pain", "chest pain"),
        ("H/o hypertension", "hypertension"),
        ("known history of asthma", "asthma"),
        ("20-year history of type 2 diabetes", "type 2 diabetes"),
        ("long history of heart failure since 2005", "heart failure"),
        ("diabetes diagnosed in 2005", "diabetes"),
        ("low back pain x 3 weeks", "low back pain"),
        ("sciatica as above", "sciatica"),
        ("gout by history", "gout"),
        ("diabetes is under good control at this time", "diabetes"),
        ("hypertension recheck", "hypertension"),
        ("psoriasis (diagnosed last year by a dermatologist", "psoriasis"),
    ],
)
def test_what_says_nothing_of_the_code_is_taken_off(text: str, bare: str) -> None:
    assert _bare(text) == bare


@pytest.mark.parametrize(
    "text",
    [
        "history of breast cancer",  # over: its code is another one
        "hx of gestational diabetes",
        "family history of diabetes",
        "no known drug allergies",
        "diagnosed",
        "known",
        "severe asthma",
        "well-differentiated carcinoma",
        "mass is malignant",
    ],
)
def test_what_a_code_may_ask_for_stays(text: str) -> None:
    assert _bare(text) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("severe pneumonia", "pneumonia"),
        ("Mild to moderate mitral regurgitation", "mitral regurgitation"),
        ("longstanding poorly controlled diabetes", "diabetes"),
        ("gout flare", "gout"),
        ("severe asthma exacerbation", "asthma"),
        ("psoriasis is severe", "psoriasis"),
        ("suspected deep vein thrombosis", "deep vein thrombosis"),
        ("new onset atrial fibrillation", "atrial fibrillation"),
    ],
)
def test_a_finding_is_read_without_its_modifiers_too(text: str, plain: str) -> None:
    found = unmodified(text, (0, len(text)))
    assert found is not None and text[slice(*found)] == plain
    assert sorted(_clauses(text)) == sorted([text, plain])


@pytest.mark.parametrize(
    "text",
    [
        "pneumonia",
        "acute pancreatitis",
        "severe",
        "mildew exposure",
        "chronically ill",
        "flare",
        "fracture is displaced",
    ],
)
def test_without_modifiers_it_is_read_once(text: str) -> None:
    assert unmodified(text, (0, len(text))) is None


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("He has a history of diabetes and hypertension.", ["diabetes", "diabetes and hypertension", "hypertension"]),
        ("Positive for gout.", ["gout"]),
        ("COPD, managed by her pulmonologist, under good control.", ["COPD"]),
        ("PMH significant for CAD.", ["CAD"]),
        ("The patient also has COPD, which has been stable.", ["COPD"]),
        ("Renal disease (ESRD).", ["Renal disease", "Renal disease (ESRD)", "ESRD"]),
    ],
)
def test_how_a_finding_is_looked_after_is_no_clause(text: str, clauses: list[str]) -> None:
    assert [clause for clause in _clauses(text) if "manage" not in clause] == clauses


@pytest.mark.parametrize(
    ("words", "expected"),
    [("type 2 diabetes", True), ("COPD", True), ("gestational diabetes", False), ("pneumonia", None), ("", None)],
)
def test_what_lasts(words: str, expected: bool | None) -> None:
    assert lifelong(words) is expected


@given(st.text(alphabet="known history of severe mild copd asthma x 3 years, as above (", max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    start, end = bared(text, (0, len(text)))
    assert 0 <= start <= end <= len(text) and (end > start or not text)
    plain = unmodified(text, (start, end))
    assert plain is None or start < plain[0] < plain[1] == end
