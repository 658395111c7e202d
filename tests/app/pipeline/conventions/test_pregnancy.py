"""What a pregnancy makes of other conditions, and the trimester of codes."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.pregnancy import CHILDBIRTH, RULE, pregnancy, report_pregnancy, time_of
from app.pipeline.conventions.trimester import settle_trimester
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from tests.app.pipeline.conventions.worded import TITLES, item

MADE = {code: title for code, title in TITLES.items() if code[0] in "OZ"}


def answered(text: str, *items: CodedItem) -> tuple[Answering, AssertionReader]:
    note = segment_read(Note((Document(text),)))
    make = {code: item(code, 0.0) for code in MADE}.get
    return Answering({one.code: one for one in items}, 0.3, set(), make, lambda p: p), AssertionReader(note)


def reported(text: str, *items: CodedItem, age_years: float | None = None) -> dict[str, float | None]:
    answer, reader = answered(text, *items)
    report_pregnancy(answer, segment_read(Note((Document(text),))), reader, age_years)
    new = answer.items.keys() - {one.code for one in items}
    assert all(answer.items[code].warnings[-1].rule == RULE for code in new)
    return {code: one.probability for code, one in answer.items.items()}


WEEKS = item("Z3A.34", 0.8)


@pytest.mark.parametrize(
    ("weeks", "found", "meant"),
    [
        ("Z3A.01", "E66.9", "O99.211"),
        ("Z3A.13", "F17.210", "O99.331"),
        ("Z3A.14", "E03.9", "O99.282"),
        ("Z3A.27", "J45.909", "O99.512"),
        ("Z3A.28", "D50.9", "O99.013"),
        ("Z3A.49", "F41.9", "O99.343"),
        ("Z3A.20", "E11.9", "O24.112"),
    ],
)
def test_a_condition_is_reported_in_its_trimester_and_stays(weeks: str, found: str, meant: str) -> None:
    worths = reported("Prenatal visit.", item(weeks, 0.8), item(found, 0.6))
    assert worths[meant] == pytest.approx(0.594) and worths[found] == 0.6


@pytest.mark.parametrize(("found", "meant"), [("I10", "O10.013"), ("N30.00", "O23.13"), ("Z22.330", "O99.820")])
def test_what_chapter_fifteen_replaces_steps_back(found: str, meant: str) -> None:
    worths = reported("Prenatal visit.", WEEKS, item(found, 0.6))
    assert worths[meant] == pytest.approx(0.594) and worths[found] == pytest.approx(0.6 * 0.406, abs=1e-3)


def test_at_a_delivery_it_complicates_childbirth() -> None:
    worths = reported("Delivered a viable female infant.", item("O70.1", 0.7), item("E66.9", 0.6), item("N30.00", 0.6))
    assert worths["O99.214"] == pytest.approx(0.594)
    assert set(worths) == {"O70.1", "E66.9", "N30.00", "O99.214"}  # an infection of the bladder has no such code


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Obese.", [item("E66.9", 0.6)]),  # no pregnancy
        ("Prenatal visit.", [WEEKS, item("E66.9", 0.2)]),  # not answered
        ("Prenatal visit.", [item("Z3A.00", 0.8), item("E66.9", 0.6)]),  # no weeks
        ("He was born at 34 weeks. Seizures.", [WEEKS, item("G40.909", 0.6)]),
        ("Prenatal visit.", [WEEKS, item("E11.9", 0.6), item("O24.419", 0.6)]),  # gestational, says the answer
        ("Newborn at 34w0d, birth weight 2100 g, NICU.", [WEEKS, item("J45.909", 0.6)]),
    ],
)
def test_nothing_is_made_of_another_chart(text: str, items: list[CodedItem]) -> None:
    assert set(reported(text, *items)) == {one.code for one in items}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("G3P2 at 34w2d, advanced maternal age.", "O09.523"),
        ("AMA primigravida.", "O09.513"),
        ("GBS positive on culture.", "O99.820"),
        ("G2P1. Group B strep carrier.", "O99.820"),
    ],
)
def test_plain_words_state_what_they_are_of_a_pregnancy(text: str, meant: str) -> None:
    assert reported(text, WEEKS)[meant] == pytest.approx(0.99 * pregnancy().probability)


@pytest.mark.parametrize("text", ["G3P2. She left AMA.", "Not advanced maternal age. G2P1.", "GBS unknown.", "AMA."])
def test_other_words_state_nothing(text: str) -> None:
    assert set(reported(text, WEEKS)) == {WEEKS.code}


def test_codes_of_another_trimester_become_those_of_the_weeks() -> None:
    text = "Di-di twins."
    answer, reader = answered(text, WEEKS, item("O30.042", 0.6), item("O26.01", 0.5), item("O99.820", 0.5))
    settle_trimester(answer, segment_read(Note((Document(text),))), reader, None)
    worths = {code: one.probability for code, one in answer.items.items()}
    assert worths["O30.043"] == pytest.approx(0.594) and worths["O30.042"] == pytest.approx(0.6 * 0.406, abs=1e-3)
    assert worths["O26.03"] == pytest.approx(0.495) and worths["O99.820"] == 0.5


def test_time_is_that_of_the_weeks_or_of_the_delivery() -> None:
    for text, weeks, time in (
        ("Visit.", "Z3A.12", 0),
        ("Visit.", "Z3A.20", 1),
        ("Visit.", "Z3A.40", 2),
        ("Liveborn boy, Apgars 9 and 9.", "Z3A.40", CHILDBIRTH),
    ):
        answer, reader = answered(text, item(weeks, 0.8))
        assert time_of(answer, segment_read(Note((Document(text),))), reader, None) == time


def test_codes_of_the_lexicon_say_the_time_they_are_of() -> None:
    times = ("first trimester", "second trimester", "third trimester", "childbirth")
    rules = pregnancy()
    rows = [row.codes for row in rules.complications] + [row.codes for row in rules.stated]
    for codes in rows:
        for code, time in zip(codes, times, strict=True):
            said = "pregnancy" if code == "O99.820" else time
            assert not code or said in TITLES[code], code
