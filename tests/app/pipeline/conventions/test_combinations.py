"""Combination codes take the place of their parts, and nothing disappears."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.pipeline.coding import Assertion, CodedItem, Evidence
from app.pipeline.conventions.answering import Answering, Maker
from app.pipeline.conventions.combinations import combinations, combine
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float | None, start: int = 0) -> CodedItem:
    evidence = (Evidence(0, start, start + 4, "word", 0.9, None, Assertion.PRESENT),)
    score = 0.5 if probability is None else probability
    return CodedItem(code, code, "cm", "2026-04", 1, score, probability, True, evidence, {})


def made(code: str) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 0, 0.0, 0.0, True, (), {})


def combined(*items: CodedItem, demoted: frozenset[str] = frozenset(), make: Maker = made) -> dict[str, CodedItem]:
    answer = Answering({one.code: one for one in items}, 0.3, set(demoted), make, lambda p: p)
    combine(answer)
    found = answer.ranked()
    assert [one.rank for one in found] == list(range(1, len(found) + 1))
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert {one.code for one in items} <= {one.code for one in found}
    return {one.code: one for one in found}


def found_with(parts: tuple[CodedItem, ...], code: str, probability: float) -> dict[str, CodedItem]:
    return combined(*parts, item(code, probability))


def test_hypertension_heart_failure_and_ckd_are_one_code_with_all_their_words() -> None:
    found = combined(item("I10", 0.8, 0), item("I50.23", 0.7, 10), item("N18.31", 0.6, 20))
    assert found["I13.0"].probability == 0.594  # as probable as the least probable part, and right behind it
    assert {e.start for e in found["I13.0"].evidence} == {0, 10, 20}
    assert found["I13.0"].warnings[0].codes == ("I10", "I50.23", "N18.31")
    assert found["I10"].probability == pytest.approx(0.8 * (1 - 0.594), abs=1e-4)
    assert found["I10"].warnings[0].rule == "combination"
    assert found["I50.23"].probability == 0.7 and found["N18.31"].probability == 0.6
    assert not {"I11.0", "I12.9"} & set(found)  # the widest combination leaves no part for the others


def test_hypertension_alone_stays() -> None:
    assert set(combined(item("I10", 0.8), item("E03.9", 0.7))) == {"I10", "E03.9"}


def test_an_improbable_or_uncertain_part_makes_nothing() -> None:
    assert set(combined(item("I10", 0.8), item("I50.9", 0.1))) == {"I10", "I50.9"}
    assert set(combined(item("I10", 0.8), item("I50.9", 0.7), demoted=frozenset({"I50.9"}))) == {"I10", "I50.9"}


def test_a_combination_that_was_found_by_itself_is_only_raised() -> None:
    found = combined(item("E11.22", 0.1, 5), item("E11.9", 0.8, 0), item("N18.4", 0.7, 9))
    assert found["E11.22"].probability == 0.693
    assert found["E11.22"].evidence[0].start == 5
    higher = combined(item("E11.22", 0.9, 5), item("E11.9", 0.8, 0), item("N18.4", 0.7, 9))
    assert (higher["E11.22"].probability, higher["E11.22"].score) == (0.9, 0.9)


def test_a_more_specific_code_is_not_undone_by_a_plain_combination() -> None:
    found = combined(item("E11.9", 0.8), item("G62.9", 0.6), item("E11.42", 0.7))
    assert "E11.40" not in found


def test_an_unspecified_code_gives_way_to_a_specific_one() -> None:
    found = combined(item("E11.9", 0.8), item("E11.65", 0.5))
    assert found["E11.9"].probability == 0.4
    assert found["E11.9"].warnings[0].rule == "barred" and found["E11.9"].warnings[0].codes == ("E11.65",)
    assert found["E11.65"].warnings == ()


def test_nothing_is_lessened_twice_for_one_reason() -> None:
    found = combined(item("I10", 0.8), item("I50.9", 0.5))
    assert [w.rule for w in found["I10"].warnings] == ["combination"]


def test_a_faint_part_makes_a_candidate_that_takes_little() -> None:
    found = combined(item("N40.0", 0.5), item("R35.1", 0.2))
    assert found["N40.1"].probability == pytest.approx(0.198)  # below the floor: no code of `codes`
    assert found["N40.0"].probability == pytest.approx(0.5 * (1 - 0.198), abs=1e-4)


def test_what_stands_against_a_combination_has_to_be_probable() -> None:
    parts = item("I10", 0.8), item("N18.31", 0.7)
    assert found_with(parts, "I50.9", 0.2)["I12.9"].probability == pytest.approx(0.99 * 0.8 * (1 - 0.198), abs=1e-3)
    assert "I12.9" not in found_with(parts, "I50.9", 0.5)


@pytest.mark.parametrize(
    ("parts", "made_of_them", "gone"),
    [
        ((("G30.9", 0.6), ("F03.B0", 0.5)), "F02.B0", "F03.B0"),  # "moderate dementia" and "Alzheimer's"
        ((("G20.A1", 0.7), ("F03.90", 0.6)), "F02.80", "F03.90"),  # a dementia of somebody with Parkinson's disease
        ((("G31.83", 0.7), ("F03.C2", 0.6)), "F02.C2", "F03.C2"),
    ],
)
def test_a_dementia_with_its_disease_is_that_of_the_disease(
    parts: tuple[tuple[str, float], ...], made_of_them: str, gone: str
) -> None:
    found = combined(*(item(code, probability) for code, probability in parts))
    assert found[made_of_them].probability == pytest.approx(0.99 * parts[1][1])
    assert (found[gone].probability or 0.0) < 0.3


@pytest.mark.parametrize(
    ("words", "disease"),
    [
        ("moderate Alzheimer's dementia", "G30.9"),
        ("Lewy body dementia", "G31.83"),
        ("dementia of Huntington disease", "G10"),
        ("dementia due to Parkinson's disease", "G20.A1"),
    ],
)
def test_a_dementia_that_names_its_disease_is_coded_with_it(words: str, disease: str) -> None:
    dementia = item("F02.B0", 0.6)
    said = replace(dementia, evidence=(replace(dementia.evidence[0], text=words),))
    assert combined(said)[disease].probability == pytest.approx(0.594)
    assert set(combined(dementia)) == {"F02.B0"}


def test_a_dementia_alone_stays_unspecified() -> None:
    assert set(combined(item("F03.B0", 0.6), item("I10", 0.8))) == {"F03.B0", "I10"}


def test_calcified_lesions_are_coded_after_the_atherosclerosis() -> None:
    assert combined(item("I25.84", 0.6))["I25.10"].probability == pytest.approx(0.594)
    assert "I25.10" not in combined(item("I25.84", 0.6), item("I25.110", 0.7))  # with angina it is another one


def test_a_combination_that_may_not_be_answered_is_not_made() -> None:
    found = combined(item("I10", 0.8), item("I50.9", 0.7), make=lambda code: None)
    assert found["I10"].probability == 0.8


def test_every_rule_names_codes_of_the_tabular_list() -> None:
    billable = {code.code: code.billable for code in ICD10CM(terms=None).codes()}
    combined_codes, bars = combinations()
    reported = [*(rule.code for rule in combined_codes), *(bar.code for bar in bars)]
    assert not [code for code in reported if not billable.get(code)]
    prefixes = [p for rule in combined_codes for group in (*rule.parts, rule.instead, rule.unless) for p in group]
    assert {*prefixes, *(p for bar in bars for p in bar.by)} - {"C"} <= set(billable)
