from __future__ import annotations

import pytest

from app.pipeline.clauses import LEXICON, cut_clauses
from app.pipeline.lexicon import read_lexicon


def clauses(sentence: str) -> list[str]:
    return [sentence[start:end] for start, end in cut_clauses(sentence, 0, len(sentence))]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "Chronic obstructive pulmonary disease with acute exacerbation.",
            [
                "Chronic obstructive pulmonary disease",
                "Chronic obstructive pulmonary disease with acute exacerbation",
                "acute exacerbation",
                "obstructive pulmonary disease",
            ],
        ),
        ("The fracture of the left femur.", ["fracture of the left femur"]),
        ("Cataract, right eye", ["Cataract", "Cataract, right eye"]),
        ("gout, asthma, obesity, migraine", ["gout", "asthma", "obesity", "migraine"]),
        ("Renal disease (ESRD).", ["Renal disease", "Renal disease (ESRD)", "ESRD"]),
        ("She has nausea/vomiting", ["nausea", "nausea/vomiting", "vomiting"]),
        ("CT/MRI of hand-foot-and-mouth disease", ["CT/MRI of hand-foot-and-mouth disease"]),
        ("A fib, status post CVA", ["A fib", "A fib, status post CVA", "status post CVA"]),
        ("The patient was seen on 3/4/2020 and he was 1,000 mg.", []),
        ("asthma and the patient", ["asthma"]),
        (
            "AKI on CKD 3b 2/2 obstruction",
            ["AKI", "AKI on CKD 3b 2/2 obstruction", "obstruction", "on CKD 3b"],
        ),
        ("CAD s/p CABG", ["CAD", "CAD s/p CABG", "s/p CABG"]),
        (
            "HTN, BPH with nocturia",
            ["BPH", "BPH with nocturia", "HTN", "nocturia"],
        ),
        ("DM2 on insulin c/b neuropathy", ["DM2", "DM2 on insulin c/b neuropathy", "neuropathy", "on insulin"]),
        (
            "Major depressive disorder, recurrent, severe, without psychotic features",
            [
                "Major depressive disorder",
                "Major depressive disorder, recurrent, severe, without psychotic features",
                "without psychotic features",
            ],
        ),
        ("HTN, hyperlipidemia, mixed, gout", ["HTN", "gout", "hyperlipidemia", "hyperlipidemia, mixed"]),
        ("abdomen soft, left knee pain, cough; chronic", ["cough", "left knee pain"]),
        ("acute on chronic systolic heart failure", ["acute on chronic systolic heart failure"]),
        ("acute and chronic cholecystitis", ["acute and chronic cholecystitis"]),
    ],
)
def test_clauses_keep_the_words_that_a_code_needs(sentence: str, expected: list[str]) -> None:
    assert sorted(clauses(sentence)) == sorted(expected)


def test_long_sentences_are_joined_piece_by_piece() -> None:
    found = clauses(
        "A 62-year-old man came from the rehabilitation facility across the river where he lives with a history of "
        "diabetes with neuropathy due to neglect, obesity, gout and asthma"
    )
    assert "diabetes with neuropathy due to neglect" in found
    assert "gout and asthma" in found
    assert max(len(clause.split()) for clause in found) <= 14


def test_a_clause_without_a_cut_is_split_between_words() -> None:
    words = ["edema"] * 95
    found = clauses(" ".join(words))
    assert [len(clause.split()) for clause in found] == [30, 30, 30, 5]


def test_a_word_without_an_end_is_split_too() -> None:
    found = clauses("x" * 5_000)
    assert "".join(found) == "x" * 5_000
    assert max(map(len, found)) <= 300


def test_words_taken_off_the_ends_are_stop_words() -> None:
    assert {*LEXICON["leading"], *LEXICON["trailing"]} <= set(read_lexicon("words")["stop_words"])


def test_words_that_name_no_finding_are_no_clause() -> None:
    text = "Right knee. Blood pressure 120/80. Skin was prepped. Voice is hoarse. Protein in urine."
    said = [text[start:end] for start, end in cut_clauses(text, 0, len(text))]
    assert not any(words in said for words in ("Right knee", "Blood pressure 120/80", "Skin was prepped"))
