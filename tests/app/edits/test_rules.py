"""Each rule on a small answer: when it speaks, of which codes, and when it keeps silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.edits.case import Case
from app.edits.rules.admission import poa_exempt
from app.edits.rules.duplicates import duplicates
from app.edits.rules.excludes1 import excludes1
from app.edits.rules.laterality import laterality
from app.edits.rules.patient import ages, sexes
from app.edits.rules.principal import first_listed, principal
from app.edits.rules.sequencing import code_first, use_additional
from app.edits.rules.specificity import episodes, headers, unspecified
from app.edits.rules.trimester import trimesters
from app.pipeline.note import Patient
from tests.app.edits.conftest import Answers, cautions

Plain = Callable[..., Case]


def test_a_header_offers_its_unspecified_child_first_and_names_the_detail(plain: Plain) -> None:
    [finding] = headers(plain("M25.56"))
    assert finding.caution is not None and finding.caution.rule == "header-not-billable"
    assert finding.offered == ("M25.569", "M25.561", "M25.562")
    assert "laterality" in finding.caution.message


def test_a_header_above_the_seventh_character_names_it(plain: Plain) -> None:
    [caution] = cautions(headers, plain("S61.411"))
    assert caution.rule == "seventh-character-missing"
    assert caution.codes == ("S61.411", "S61.411A", "S61.411D", "S61.411S")
    assert "episode of care" in caution.message


def test_billable_codes_are_no_headers(plain: Plain) -> None:
    assert cautions(headers, plain("I10", "M25.561")) == []


@pytest.mark.parametrize(
    ("code", "detail", "others"),
    [
        ("M17.10", "Laterality", ("M17.11", "M17.12")),
        ("N18.9", "Stage", ("N18.4", "N18.5")),
        ("F32.9", "Severity", ("F32.0", "F32.1")),
    ],
)
def test_an_unspecified_code_names_what_is_missing(
    plain: Plain, code: str, detail: str, others: tuple[str, ...]
) -> None:
    [finding] = unspecified(plain(code))
    assert finding.caution is not None and finding.caution.rule == "detail-missing"
    assert finding.caution.message.startswith(f"{detail} missing: {code}")
    assert finding.offered == others


def test_where_the_missing_detail_has_no_name_siblings_are_offered_without_a_word(plain: Plain) -> None:
    [finding] = unspecified(plain("J44.9"))
    assert finding.caution is None and finding.offered == ("J44.1",)


def test_codes_of_a_table_that_the_loaded_edition_does_not_have_are_not_offered(plain: Plain) -> None:
    assert list(unspecified(plain("J18.9"))) == []


def test_a_specific_code_leaves_nothing_open(plain: Plain) -> None:
    assert list(unspecified(plain("M17.11", "J44.1", "I10"))) == []


def test_an_unspecified_side_that_the_note_tells_elsewhere_is_named(answers: Answers) -> None:
    case = answers.case("HPI: left knee pain. Assessment: osteoarthritis of the knee.", {"M17.10": "osteoarthritis"})
    [finding] = unspecified(case)
    assert finding.caution is not None and "the note says left: M17.12" in finding.caution.message
    assert finding.offered[0] == "M17.12"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Pain in the right knee.", None),
        ("Knee pain. Exam: R knee tender.", None),
        ("Bilateral knee pain.", None),
        ("Left knee pain.", "side-contradicted"),
        ("Knee pain. On 2 L of oxygen; he left the ED.", "side-not-in-note"),
        ("Knee pain of a right-handed man.", "side-not-in-note"),
    ],
)
def test_the_side_of_a_code_is_compared_with_the_note(answers: Answers, text: str, rule: str | None) -> None:
    words = "knee pain" if "knee pain" in text else "Knee pain" if "Knee pain" in text else "right knee"
    found = cautions(laterality, answers.case(text, {"M25.561": words}))
    assert [caution.rule for caution in found] == ([rule] if rule else [])


def test_a_contradicted_side_offers_the_other_one_first(answers: Answers) -> None:
    [finding] = laterality(answers.case("Left knee pain.", {"M25.561": "knee pain"}))
    assert finding.offered[:2] == ("M25.562", "M25.569")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Preeclampsia, third trimester.", None),
        ("32 weeks pregnant. Preeclampsia.", None),
        ("IUP at 20 weeks. Preeclampsia.", "trimester-contradicted"),
        ("Preeclampsia, seen again in 2 weeks.", "trimester-not-in-note"),
    ],
)
def test_the_trimester_of_a_code_is_compared_with_the_note(answers: Answers, text: str, rule: str | None) -> None:
    found = list(trimesters(answers.case(text, {"O14.93": "Preeclampsia"})))
    assert [one.caution.rule for one in found if one.caution] == ([rule] if rule else [])
    if rule == "trimester-contradicted":
        assert found[0].offered[0] == "O14.92"


def test_an_unspecified_trimester_that_the_note_tells_in_weeks_is_named(answers: Answers) -> None:
    [caution] = cautions(unspecified, answers.case("Preeclampsia at 35w2d.", {"O14.90": "Preeclampsia"}))
    assert "the note says third: O14.93" in caution.message


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("Laceration of hand.", "S61.411A", "otherwise S61.411D, S61.411S"),
        ("Laceration of hand.", "S61.411S", "reads otherwise; compare S61.411A"),
        ("Laceration of hand, healing well, suture removal today.", "S61.411A", "reads otherwise; compare S61.411D"),
        ("Laceration of hand, healing well, suture removal today.", "S61.411D", "otherwise S61.411A"),
    ],
)
def test_an_episode_that_the_note_does_not_say_is_called_assumed(
    answers: Answers, text: str, code: str, says: str
) -> None:
    [caution] = cautions(episodes, answers.case(text, {code: "Laceration"}))
    assert caution.rule == "episode-assumed" and says in caution.message


def test_an_episode_that_the_note_says_is_no_assumption(answers: Answers) -> None:
    text = "Laceration of hand, initial encounter."
    assert cautions(episodes, answers.case(text, {"S61.411A": "Laceration"})) == []


def test_excludes1_speaks_of_both_codes_wherever_the_note_stands(plain: Plain) -> None:
    for codes in (("F32.1", "F33.1"), ("F33.1", "F32.1")):
        [finding] = excludes1(plain(*codes))
        assert finding.caution is not None and "Excludes1 at F32" in finding.caution.message
        assert set(finding.on) == {"F32.1", "F33.1"} and finding.overall
    assert cautions(excludes1, plain("F32.1", "I10")) == []


@pytest.mark.parametrize(
    ("codes", "less"),
    [
        (("J44.9", "J44.1"), "J44.9"),
        (("E11.22", "E11.9"), "E11.9"),
        (("M17.10", "M17.11"), "M17.10"),
        (("M25.56", "M25.561"), "M25.56"),
        (("S61.411A", "S61.411S"), "S61.411A"),
    ],
)
def test_a_code_that_says_less_than_another_is_a_duplicate(plain: Plain, codes: tuple[str, str], less: str) -> None:
    [caution] = cautions(duplicates, plain(*codes))
    assert caution.rule == "duplicate" and caution.codes[0] == less and set(caution.codes) == set(codes)


def test_codes_of_two_conditions_are_no_duplicates(plain: Plain) -> None:
    assert cautions(duplicates, plain("J44.1", "E11.22", "I10", "N18.4", "F32.0")) == []


def test_code_first_names_the_order(plain: Plain) -> None:
    [finding] = code_first(plain("N18.4", "E11.22"))
    assert finding.caution is not None and finding.caution.codes == ("E11.22", "N18.4") and finding.overall


def test_a_manifestation_without_its_disease_is_named(plain: Plain) -> None:
    [caution] = cautions(code_first, plain("N08"))
    assert "needs the code of its underlying condition" in caution.message and "amyloidosis" in caution.message


def test_code_first_finds_a_candidate_and_is_silent_where_it_is_optional(plain: Plain) -> None:
    [caution] = cautions(code_first, plain("N18.4", candidates=["I12.9"]))
    assert caution.codes == ("I12.9", "N18.4")
    assert cautions(code_first, plain("N18.4")) == []


def test_use_additional_speaks_where_nothing_meets_it(plain: Plain) -> None:
    [missing] = cautions(use_additional, plain("I12.9"))
    assert "stage of chronic kidney disease" in missing.message
    [near] = cautions(use_additional, plain("I12.9", candidates=["N18.9"]))
    assert near.codes == ("I12.9", "N18.9")
    assert cautions(use_additional, plain("I12.9", "N18.4")) == []
    assert cautions(use_additional, plain("J44.1")) == []  # a list of what may be known says nothing by itself


def test_a_note_of_the_chapter_holds_for_its_codes(plain: Plain) -> None:
    [caution] = cautions(use_additional, plain("O24.410", candidates=["Z3A.32"]))
    assert caution.codes == ("O24.410", "Z3A.32") and "O00-O9A" in caution.message


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("W19.XXXA", "external-cause-principal"),
        ("N08", "manifestation-principal"),
        ("R65.20", "unacceptable-principal"),
        ("B96.20", "unacceptable-principal"),
        ("T45.516A", "unacceptable-principal"),
        ("Z79.4", "unacceptable-principal"),
    ],
)
def test_some_codes_are_never_listed_first(plain: Plain, code: str, rule: str) -> None:
    assert [caution.rule for caution in cautions(first_listed, plain(code, "I10"))] == [rule]
    assert cautions(first_listed, plain("I10", code)) == []


def test_the_principal_diagnosis_follows_the_headings_of_the_note(answers: Answers) -> None:
    text = "HPI: chest pain, diabetes.\nDISCHARGE DIAGNOSES:\n1. NSTEMI\n2. Insulin use\n3. Hypertension\n"
    codes = {
        "E11.9": "diabetes",
        "Z79.4": "Insulin use",
        "R07.9": "chest pain",
        "I10": "Hypertension",
        "I21.4": "NSTEMI",
    }
    suggested, order = cautions(principal, answers.case(text, codes, inpatient=True))
    assert suggested.rule == "principal-suggestion" and suggested.codes == ("I21.4",)
    assert order.rule == "sequence" and order.codes == ("I21.4", "I10", "E11.9", "R07.9", "Z79.4")


def test_a_heading_that_says_principal_comes_first(answers: Answers) -> None:
    text = "DISCHARGE DIAGNOSES: hypertension.\nPRINCIPAL DIAGNOSIS: NSTEMI.\n"
    case = answers.case(text, {"I10": "hypertension", "I21.4": "NSTEMI"}, inpatient=True)
    assert cautions(principal, case)[0].codes == ("I21.4",)


def test_sepsis_comes_before_its_pneumonia_and_severe_sepsis_behind(answers: Answers) -> None:
    text = "Discharge diagnoses: pneumonia; severe sepsis; sepsis."
    codes = {"J18.9": "pneumonia", "R65.20": "severe sepsis", "A41.9": "; sepsis"}
    assert cautions(principal, answers.case(text, codes, inpatient=True))[1].codes == ("A41.9", "J18.9", "R65.20")


def test_etiology_comes_before_manifestation_whatever_the_note_names_first(answers: Answers) -> None:
    text = "Discharge diagnoses: CKD stage 4 in diabetes."
    case = answers.case(text, {"N18.4": "CKD stage 4", "E11.22": "diabetes"}, inpatient=True)
    assert cautions(principal, case)[1].codes == ("E11.22", "N18.4")


def test_codes_of_pregnancy_come_first(plain: Plain) -> None:
    assert cautions(principal, plain("I10", "O24.410", inpatient=True))[1].codes == ("O24.410", "I10")


def test_no_principal_is_suggested_where_none_may_be_one(plain: Plain) -> None:
    suggested, _ = cautions(principal, plain("W19.XXXA", "Z79.4", inpatient=True))
    assert suggested.codes == () and "None of the codes" in suggested.message


def test_outpatients_and_empty_answers_get_no_principal(plain: Plain) -> None:
    assert cautions(principal, plain("I10")) == [] and cautions(principal, plain(inpatient=True)) == []


@pytest.mark.parametrize(
    ("code", "age", "fits"),
    [
        ("Z38.2", 0.01, True),
        ("Z38.2", 34, False),
        ("P07.30", 0.2, True),
        ("P07.30", 40, False),
        ("O24.410", 29, True),
        ("O24.410", 70, False),
        ("O24.410", 8, False),
        ("I10", 3, True),
    ],
)
def test_age_is_compared_where_it_is_given(plain: Plain, code: str, age: float, fits: bool) -> None:
    found = cautions(ages, plain(code, patient=Patient(age_years=age)))
    assert [caution.rule for caution in found] == ([] if fits else ["age-conflict"])
    assert cautions(ages, plain(code)) == []


@pytest.mark.parametrize(
    ("code", "sex", "fits"),
    [
        ("C61", "male", True),
        ("C61", "female", False),
        ("C61", "other", True),
        ("C61", None, True),
        ("O24.410", "male", False),
        ("P07.30", "male", True),
        ("Z30.02", "male", True),
        ("Z85.49", "male", True),
        ("Z85.49", "female", False),
        ("E11.9", "male", True),
    ],
)
def test_sex_is_compared_where_it_is_female_or_male(plain: Plain, code: str, sex: str | None, fits: bool) -> None:
    patient = Patient(sex=sex)  # type: ignore[arg-type]  # the literals above
    assert [c.rule for c in cautions(sexes, plain(code, patient=patient))] == ([] if fits else ["sex-conflict"])


def test_poa_exempt_codes_are_named_for_inpatients_only(plain: Plain) -> None:
    [caution] = cautions(poa_exempt, plain("I10", "Z79.4", inpatient=True))
    assert caution.codes == ("Z79.4",)
    assert cautions(poa_exempt, plain("Z79.4")) == [] and cautions(poa_exempt, plain("I10", inpatient=True)) == []


def test_where_nothing_lists_diagnoses_the_best_supported_code_is_suggested(answers: Answers) -> None:
    text = "HOSPITAL COURSE: hypertension was treated. He had an NSTEMI."
    case = answers.case(text, {"I21.4": "NSTEMI", "I10": "hypertension"}, inpatient=True)
    assert "I21.4 (best supported)" in cautions(principal, case)[0].message


def test_of_an_unspecified_and_an_other_code_neither_is_preferred(plain: Plain) -> None:
    [caution] = cautions(duplicates, plain("R07.9", "R07.89"))
    assert caution.message.endswith("R07.89: report one of them.")


def test_one_excludes1_note_gives_one_warning_for_all_its_codes(plain: Plain) -> None:
    [caution] = cautions(excludes1, plain("F33.1", "F32.9", "F32.1"))
    assert caution.codes == ("F32.9", "F32.1", "F33.1")


def test_what_one_code_repeats_is_said_once(plain: Plain) -> None:
    [caution] = cautions(duplicates, plain("M17.10", "M17.11", "I10", "M17.12"))
    assert caution.codes == ("M17.10", "M17.11", "M17.12")


def test_the_two_sides_have_a_code_for_both(plain: Plain) -> None:
    [finding] = duplicates(plain("H25.11", "H25.12"))
    assert finding.caution is not None and finding.caution.codes == ("H25.11", "H25.12", "H25.13")
    assert finding.offered == ("H25.13",)


def test_a_principal_diagnosis_without_an_accepted_code_is_said(answers: Answers) -> None:
    text = "PRINCIPAL DIAGNOSIS: NSTEMI.\nOTHER DIAGNOSES: hypertension.\n"
    case = answers.case(text, {"I10": "hypertension"}, {"I21.4": "NSTEMI"}, inpatient=True)
    [suggested] = cautions(principal, case)
    assert suggested.codes == ("I21.4",) and "No accepted code" in suggested.message
