"""A fracture that the note calls one of fragility is coded with its osteoporosis."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.fragility import RULE, fragility, report_fragility
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from tests.app.pipeline.conventions.worded import TITLES, item


def reported(text: str, *items: CodedItem) -> Answering:
    note = segment_read(Note((Document(text),)))
    make = {code: item(code, 0.0) for code in TITLES if code.startswith("M80")}.get
    answer = Answering({one.code: one for one in items}, 0.3, set(), make, lambda p: p)
    report_fragility(answer, note, AssertionReader(note))
    return answer


@pytest.mark.parametrize(
    ("text", "words", "fracture", "meant"),
    [
        ("Left hip: femoral neck fragility fracture, for surgery.", "femoral neck", "S72.002A", "M80.052A"),
        ("Osteoporotic compression fracture of L2.", "compression fracture of L2", "S32.020A", "M80.08XA"),
        ("Insufficiency fracture of the sacrum.", "fracture of the sacrum", "S32.10XA", "M80.08XA"),
        ("Right distal radius fragility fracture, routine visit", "distal radius", "S52.501D", "M80.031D"),
        ("Right wrist fracture due to postmenopausal osteoporosis", "wrist fracture", "S62.101A", "M80.041A"),
        ("Proximal humerus fragility fracture, nonunion", "Proximal humerus", "S42.209K", "M80.029K"),
        ("Osteoporotic fracture of a rib", "fracture of a rib", "S22.39XA", "M80.0AXA"),
        ("Fragility fracture, left superior pubic ramus", "left superior pubic ramus", "S32.512A", "M80.0B2A"),
        ("Collapsed T12, osteoporotic fracture", "Collapsed T12", "M48.54XA", "M80.08XA"),
    ],
)
def test_fracture_and_osteoporosis_are_one_code(text: str, words: str, fracture: str, meant: str) -> None:
    answer = reported(text, item(fracture, 0.4, text, words), item("M81.0", 0.8))
    assert {code: one.probability for code, one in answer.items.items()} == {
        meant: pytest.approx(0.792, abs=1e-3),
        fracture: pytest.approx(0.4 * 0.208, abs=1e-3),
        "M81.0": pytest.approx(0.8 * 0.208, abs=1e-3),
    }
    assert answer.items[meant].warnings[-1].codes == (fracture, "M81.0")
    assert all(answer.items[code].warnings[-1].rule == RULE for code in (fracture, "M81.0"))
    assert answer.items[meant].evidence[0].text == words


def test_words_that_name_the_osteoporosis_do_without_its_code() -> None:
    text = "Osteoporotic compression fracture of L2"
    found = reported(text, item("S32.020A", 0.6, text, "fracture of L2")).items
    assert found["M80.08XA"].probability == pytest.approx(0.594)
    assert found["S32.020A"].probability == pytest.approx(0.2436)


def test_another_osteoporosis_has_codes_of_its_own() -> None:
    text = "Steroid-induced osteoporosis. Fragility fracture of the left femoral neck."
    answer = reported(text, item("S72.002A", 0.6, text, "left femoral neck"), item("M81.8", 0.7))
    assert "M80.852A" in answer.items


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Femoral neck fracture in a car crash. Osteoporosis.", "Femoral neck"),
        ("No fragility fractures. Ankle injury: femoral neck intact.", "femoral neck"),
        ("Mother had a hip fragility fracture. Femoral neck bruise.", "Femoral neck"),
        ("History of wrist fragility fracture in 2019. Femoral neck pain.", "Femoral neck"),
        ("Fragility fracture risk is high by FRAX. Femoral neck pain.", "Femoral neck"),
    ],
)
def test_other_fractures_stay_injuries(text: str, words: str) -> None:
    answer = reported(text, item("S72.002A", 0.6, text, words), item("M81.0", 0.8))
    assert {code: one.probability for code, one in answer.items.items()} == {"S72.002A": 0.6, "M81.0": 0.8}


def test_without_any_osteoporosis_nothing_is_presumed() -> None:
    text = "Tibial insufficiency fracture in a runner"
    assert set(reported(text, item("S82.201A", 0.6, text, "Tibial")).items) == {"S82.201A"}


def test_every_code_that_can_be_made_is_a_code() -> None:
    rules = fragility()
    for prefix in rules.sites:
        codes = [code for code in TITLES if code.startswith(prefix) and "fracture" in TITLES[code].lower()]
        made = {rules.code(start, item(code, 0.5)) for code in codes[:400] for start in rules.disease}
        assert made and made <= TITLES.keys(), prefix
