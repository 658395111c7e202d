"""How ordinary a code is: the longest listed beginning counts, and every beginning is one of a code."""

from __future__ import annotations

import pytest

from app.pipeline.lexicon import read_lexicon
from app.pipeline.usage import UNLISTED, tier, tiers
from index_builder.codesets.icd10cm import ICD10CM


@pytest.fixture(scope="module")
def codes() -> list[str]:
    return [code.code for code in ICD10CM(terms=None).codes()]


@pytest.mark.parametrize(
    ("often", "seldom"), [("I34.0", "Q23.3"), ("Z98.52", "Z30.2"), ("E11.9", "E08.9"), ("I10", "I15.0")]
)
def test_what_is_reported_daily_comes_before_what_shares_its_words(often: str, seldom: str) -> None:
    assert tier("icd-10-cm", often) > tier("icd-10-cm", seldom)


def test_another_code_set_has_no_tiers() -> None:
    assert tier("icd-9-cm", "250.00") == UNLISTED == tiers("icd-9-cm", ["401.9"])[0]


def test_many_codes_have_the_tiers_that_each_has_alone(codes: list[str]) -> None:
    some = codes[::-37]
    assert tiers("icd-10-cm", some).tolist() == [tier("icd-10-cm", code) for code in some]


def test_every_beginning_is_that_of_a_code_and_stands_once(codes: list[str]) -> None:
    rows = read_lexicon("usage")["icd-10-cm"]
    starts = [start for lines in rows.values() for line in lines for start in line.split()]
    begun = {code[:end] for code in codes for end in range(1, len(code) + 1)}
    assert len(starts) == len(set(starts)) and not set(starts) - begun
    assert set(rows) == {"0", "1", "2", "3", "4"}
