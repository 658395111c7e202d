from __future__ import annotations

import pytest

from app.pipeline.sentences import cut_sentences, widest_line


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in cut_sentences(text, 0, len(text), widest_line(text))]


@pytest.mark.parametrize(
    "whole",
    [
        "Seen by Dr. Lowe vs. Ms. Roe, e.g. for gout.",
        "Lasix 40 mg p.o. b.i.d. for edema, 3.5 mg, No. 3 lesion.",
        "Urine grew E. coli and C. difficile.",
        "Tylenol p.r.n., Xanax q.d., lisinopril 5 mg.",
        "denies cough; fever; chills",
        "Fever of 39.4 at 10:30.",
    ],
)
def test_a_stop_inside_a_sentence_does_not_end_it(whole: str) -> None:
    assert sentences(whole) == [whole]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Has hepatitis C. She is well.", ["Has hepatitis C.", "She is well."]),
        ("pt stable. no cough. Home!", ["pt stable.", "no cough.", "Home!"]),
        ("No edema.The skin is dry.", ["No edema.", "The skin is dry."]),
        ("Clear.,Soft.,2.  Gout ,3.  Falls", ["Clear.", "Soft.", "2.  Gout", "3.  Falls"]),
        ("Problems: 1. HTN 2. DM type 2. 3) CAD", ["Problems:", "1. HTN", "2. DM type 2.", "3) CAD"]),
        ("- asthma\r\n* gout\r\n\u2022 acne", ["- asthma", "* gout", "\u2022 acne"]),
        ("asthma\ncopd\nCKD", ["asthma", "copd", "CKD"]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
    ],
)
def test_sentences_and_list_lines_end_where_they_should(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_wrapped_lines_are_joined(line_end: str) -> None:
    lower = f"She has had three days of worsening shortness of{line_end}breath on stairs."
    full = f"The patient was admitted overnight to the unit with newly found{line_end}Hodgkin lymphoma."
    for text in (lower, full, f"diabetes with{line_end}neuropathy"):
        assert sentences(text) == [text]


def test_a_line_that_names_something_new_is_not_joined() -> None:
    text = "The patient was admitted overnight to the unit and then discharged\nPlan: rest"
    assert len(sentences(text)) == 2
