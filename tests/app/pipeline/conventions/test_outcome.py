"""The outcome of delivery stands in a mother's record of one, and in no other note."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.outcome import RULE, report_outcome
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from tests.app.pipeline.conventions.worded import TITLES, item

LABOR = "Gravida 2, contractions every three minutes, cervix 8 cm dilated, epidural placed. "
SECTION = "Pfannenstiel incision, low transverse hysterotomy, uterus closed in two layers, blood loss 700 mL. "


def reported(text: str, *items: CodedItem, age_years: float | None = None) -> dict[str, CodedItem]:
    note = segment_read(Note((Document(text),)))
    make = {code: item(code, 0.0) for code in TITLES if code.startswith("Z37")}.get
    answer = Answering({one.code: one for one in items}, 0.3, set(), make, lambda p: p)
    report_outcome(answer, note, AssertionReader(note), age_years)
    return answer.items


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (LABOR + "Spontaneous delivery of a vigorous girl.", "Z37.0", "delivery of a vigorous girl"),
        (SECTION + "Delivered a viable male infant.", "Z37.0", "Delivered a viable male infant"),
        (SECTION + "Liveborn, Apgars 8 and 9.", "Z37.0", "Liveborn"),
        (
            SECTION + "Twins. Delivery of a viable female infant. The second in breech.",
            "Z37.2",
            "Delivery of a viable female infant",
        ),
        (LABOR + "Intrauterine fetal demise. Delivered a stillborn boy.", "Z37.1", "Delivered a stillborn boy"),
    ],
)
def test_a_mothers_note_of_a_delivery_states_its_outcome(text: str, code: str, words: str) -> None:
    found = reported(text)
    assert set(found) == {code}
    assert found[code].evidence[0].text == words
    assert found[code].probability == pytest.approx(0.891)
    assert [told.rule for told in found[code].warnings] == [RULE]


@pytest.mark.parametrize(
    "text",
    [
        LABOR + "Category 1 tracing, no decelerations.",  # not delivered yet
        LABOR + "Prior pregnancy: delivered a healthy boy in 2019.",
        "Birth history: delivered a term male infant by cesarean, Apgars 8 and 9. Now 6 years old with a cough.",
        "Newborn boy, 2 hours old, Apgars 8 and 9, birth weight 3300 g, vitamin K given. Placenta intact, epidural.",
        SECTION + "Triplets, all vigorous. Delivered a viable male infant first.",
        SECTION + "Twins: delivered a viable male infant, the second stillborn.",
        "6 weeks postpartum. " + LABOR + "Delivered a viable girl.",
    ],
)
def test_other_notes_state_none(text: str) -> None:
    assert reported(text) == {}


def test_a_code_that_the_search_found_stays_alone() -> None:
    known = item("Z37.2", 0.7)
    assert reported(SECTION + "Delivered a viable male infant.", known) == {"Z37.2": known}


def test_a_newborns_age_leaves_it_out() -> None:
    text = SECTION + "Infant boy, newborn, Apgars 8 and 9, birth weight 3300 g, vitamin K, circumcision, NICU, dol 2."
    assert reported(text, age_years=0.01) == {}
