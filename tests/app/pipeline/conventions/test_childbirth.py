"""Complications at a delivery are coded as those of childbirth."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.childbirth import RULE, childbirth, report_childbirth
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from tests.app.pipeline.conventions.worded import TITLES, item

OBSTETRIC = {code: title for code, title in TITLES.items() if code.startswith("O")}
TIME = re.compile(
    r"\b(?:complicating|in|the|pregnancy|childbirth|puerperium|(?:first|second|third|unspecified) trimester)\b"
)


def reported(text: str, *items: CodedItem, age_years: float | None = None) -> dict[str, float | None]:
    note = segment_read(Note((Document(text),)))
    make = {code: item(code, 0.0) for code in OBSTETRIC}.get
    answer = Answering({one.code: one for one in items}, 0.3, set(), make, lambda p: p)
    report_childbirth(answer, note, AssertionReader(note), age_years)
    new = answer.items.keys() - {one.code for one in items}
    assert all(answer.items[code].warnings[-1].rule == RULE for code in new)
    return {code: one.probability for code, one in answer.items.items()}


@pytest.mark.parametrize(
    ("text", "words", "found", "meant"),
    [
        ("GDMA1. She delivered a viable female infant at 39 weeks.", "GDMA1", "O24.410", "O24.420"),
        ("Severe preeclampsia on magnesium. Liveborn male, vertex.", "Severe preeclampsia", "O14.13", "O14.14"),
        ("Asthma. Repeat cesarean, Apgars 8 and 9.", "Asthma", "O99.519", "O99.52"),
        ("GBS positive, penicillin in labor. Infant delivered at 03:10.", "GBS positive", "O99.820", "O99.824"),
        ("Chronic hypertension on labetalol. Delivery of a healthy boy.", "Chronic hypertension", "O10.03", "O10.02"),
        ("GDMA1. Viable female, 8/9, 3240 g.", "GDMA1", "O24.410", "O24.420"),
        ("GDMA1. Live girl at 04:12.", "GDMA1", "O24.410", "O24.420"),
    ],
)
def test_a_delivery_makes_it_a_complication_of_childbirth(text: str, words: str, found: str, meant: str) -> None:
    worths = reported(text, item(found, 0.6, text, words))
    assert worths == {found: pytest.approx(0.6 * 0.406, abs=1e-3), meant: pytest.approx(0.594, abs=1e-3)}


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("GDMA1 at 30 weeks, growth scan today.", "GDMA1", "O24.410"),
        ("GDMA1. Prior pregnancy: delivered a healthy boy in 2019.", "GDMA1", "O24.410"),
        ("6 weeks postpartum. Delivered a boy. Anemia.", "Anemia", "O99.03"),
        ("Liveborn girl. Severe preeclampsia on postpartum day 2.", "Severe preeclampsia", "O14.15"),
        ("If she has not delivered the baby by 41 weeks, induction. GDMA1.", "GDMA1", "O24.410"),
        ("Anemia. Liveborn girl.", "Anemia", "O90.81"),  # has no time of its own
    ],
)
def test_another_time_stays(text: str, words: str, found: str) -> None:
    assert reported(text, item(found, 0.6, text, words)) == {found: 0.6}


def test_a_newborns_chart_tells_of_no_delivery_of_its_own() -> None:
    text = "Liveborn female, Apgars 8 and 9. Mother had GDMA1. Vitamin K and hepatitis B given, feeding well."
    assert reported(text, item("O24.410", 0.6, text, "GDMA1"), age_years=0.0) == {"O24.410": 0.6}


def test_the_codes_are_those_whose_titles_differ_in_the_time_alone() -> None:
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code, title in OBSTETRIC.items():
        same[code[:3], " ".join(re.findall(r"\w+", TIME.sub(" ", title.lower())))].append(code)
    meant = {
        other: code
        for codes in same.values()
        for code in codes
        if "childbirth" in OBSTETRIC[code]
        for other in codes
        if other != code
    }
    assert childbirth().codes == meant and len(set(meant.values())) == 66
