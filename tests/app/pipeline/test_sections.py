from __future__ import annotations

import pytest

from app.pipeline.sections import cut_sections


def labels(text: str) -> list[str | None]:
    return [section.label for section in cut_sections(0, text)]


@pytest.mark.parametrize(
    ("heading", "label"),
    [
        ("Past Medical History: HTN", "past_medical_history"),
        ("PAST MEDICAL AND SURGICAL HX:", "past_medical_history"),
        ("DETAILS OF THE PROCEDURE:", "procedure"),
        ("INDICATIONS FOR PROCEDURE:", "indication"),
        ("PREOPERATIVE DIAGNOSIS (ES): gallstones", "preoperative_diagnosis"),
        ("Post-operative diagnoses: same", "postoperative_diagnosis"),
        ("DISCHARGE MEDICATIONS:", "medications"),
        ("Drug Allergies: none", "allergies"),
        ("A/P: stable", "assessment"),
        ("Impression - viral croup", "impression"),
        ("**Follow-up:** two weeks", "follow_up"),
        ("plan: rest", "plan"),
        ("Family History", "family_history"),
    ],
)
def test_headings_are_named_alike(heading: str, label: str) -> None:
    assert labels(f"Seen today.\n{heading}\nmore words") == [None, label]


def test_headings_are_found_where_line_breaks_became_commas() -> None:
    text = "SUBJECTIVE:,  Itchy eyes, no rash.,ALLERGIES: , None.,PHYSICAL EXAMINATION,LUNGS:  Clear.,PLAN:,1.  Drops."
    assert labels(text) == ["history_of_present_illness", "allergies", "physical_exam", "physical_exam", "plan"]


def test_body_systems_keep_the_label_of_what_is_gone_through() -> None:
    assert labels("ROS: HEART: palpitations. LUNGS: cough") == ["review_of_systems"] * 3
    assert labels("HPI: cough\nLUNGS: wheeze") == ["history_of_present_illness", "physical_exam"]


def test_a_disease_before_a_colon_stays_in_the_text() -> None:
    text = "ASSESSMENT:\n1. PNEUMONIA: improving\nPE: on heparin\nAsthma: mild"
    assert labels(text) == ["assessment"]
    unknown = cut_sections(0, "HPI: cough\nGOUTY ARTHRITIS: left toe")[-1]
    assert (unknown.label, unknown.heading_end) == ("other", unknown.start)


def test_words_of_prose_open_no_section() -> None:
    assert labels("We agreed on a plan: rest. It hurts in the\nback\nand the chest, general: poor") == [None]


def test_blanks_before_the_first_heading_belong_to_it() -> None:
    assert labels("\r\n  PLAN: rest") == ["plan"]
