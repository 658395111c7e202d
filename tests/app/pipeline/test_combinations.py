"""Combination codes take the place of their parts, and nothing disappears."""

from __future__ import annotations

import pytest

from app.pipeline.coding import Assertion, CodedItem, Evidence
from app.pipeline.combinations import combinations, combine
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float | None, start: int = 0) -> CodedItem:
    evidence = (Evidence(0, start, start + 4, "word", 0.9, None, Assertion.PRESENT),)
    score = 0.5 if probability is None else probability
    return CodedItem(code, code, "cm", "2026-04", 1, score, probability, True, evidence, {})


def made(code: str) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 0, 0.0, 0.0, True, (), {})


def combined(*items: CodedItem, demoted: frozenset[str] = frozenset()) -> dict[str, CodedItem]:
    found = combine(items, floor=0.3, demoted=demoted, make=made, score_of=lambda p: p)
    assert [one.rank for one in found] == list(range(1, len(found) + 1))
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert {one.code for one in items} <= {one.code for one in found}
    return {one.code: one for one in found}


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
    assert set(combined(item("I10", 0.8), item("I50.9", 0.2))) == {"I10", "I50.9"}
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


def test_without_probabilities_nothing_is_combined() -> None:
    items = [item("I10", None), item("I50.9", None)]
    assert combine(items, floor=0.3, demoted=frozenset(), make=made, score_of=lambda p: p) == items


def test_a_combination_that_may_not_be_answered_is_not_made() -> None:
    items = [item("I10", 0.8), item("I50.9", 0.7)]
    assert combine(items, floor=0.3, demoted=frozenset(), make=lambda code: None, score_of=lambda p: p)[0].code == "I10"


def test_every_rule_names_codes_of_the_tabular_list() -> None:
    billable = {code.code: code.billable for code in ICD10CM(terms=None).codes()}
    combined_codes, bars = combinations()
    reported = [*(rule.code for rule in combined_codes), *(bar.code for bar in bars)]
    assert not [code for code in reported if not billable.get(code)]
    prefixes = [p for rule in combined_codes for group in (*rule.parts, rule.instead, rule.unless) for p in group]
    assert {*prefixes, *(p for bar in bars for p in bar.by)} - {"C"} <= set(billable)
