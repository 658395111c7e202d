"""Codes for what is over and for what relatives have: which code, by whose words, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.assertion.verdict import Sorted
from app.pipeline.coding import Assertion, CodedItem, Evidence
from app.pipeline.histories import RULE, histories, reported
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.segment import segment
from index_builder.codesets.icd10cm import ICD10CM

CODE_SET = "icd-10-cm"
SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"


def _item(code: str, text: str, *words: str, score: float = 0.9) -> CodedItem:
    spans = [(text.index(word), text.index(word) + len(word)) for word in words]
    evidence = tuple(Evidence(0, start, end, text[start:end], 0.9, None) for start, end in spans)
    return CodedItem(code, "Some finding", SYSTEM, "2026-04", 1, score, score, True, evidence, {})


def _made(code: str) -> CodedItem:
    return replace(_item(code, ""), score=0.0, probability=0.0)


def _sorted(text: str, items: Sequence[CodedItem], options: CodingOptions | None = None) -> Sorted:
    reader = AssertionReader(segment(Note((Document(text),))))
    found = Sorted.empty(options or CodingOptions())
    found.add(items, reader)
    found.offer(CODE_SET, reader, _made)
    return found


def test_every_code_of_the_table_is_billable_and_every_beginning_has_codes() -> None:
    codes = {code.code: code.billable for code in ICD10CM().codes()}
    names = sorted(codes)
    for rows in histories(CODE_SET).values():
        assert [code for code in rows.values() if not codes.get(code)] == []
        assert [start for start in rows if not any(name.startswith(start) for name in names)] == []


@pytest.mark.parametrize(
    ("about", "code", "expected"),
    [
        (Assertion.HISTORICAL, "C50.911", "Z85.3"),
        (Assertion.HISTORICAL, "I21.9", "I25.2"),
        (Assertion.HISTORICAL, "I63.9", "Z86.73"),
        (Assertion.HISTORICAL, "R05.9", None),
        (Assertion.FAMILY, "C50.911", "Z80.3"),
        (Assertion.FAMILY, "E78.5", "Z83.438"),
        (Assertion.FAMILY, "E78.01", "Z83.42"),
        (Assertion.FAMILY, "A15.0", None),
        (Assertion.NEGATED, "C50.911", None),
    ],
)
def test_the_longest_beginning_decides(about: Assertion, code: str, expected: str | None) -> None:
    assert reported(CODE_SET, about, code) == expected


def test_another_code_set_has_no_table() -> None:
    assert histories("icd-10-pcs") == {}


def test_a_finding_of_the_past_offers_its_code_with_its_words_and_worth() -> None:
    found = _sorted("History of breast cancer.", [_item("C50.919", "History of breast cancer.", "breast cancer")])
    first, second = found.kept
    assert {first.code, second.code} == {"C50.919", "Z85.3"} and found.demoted == {"C50.919"}
    offered = first if first.code == "Z85.3" else second
    assert (offered.score, offered.probability, offered.assertion) == (0.9, 0.9, Assertion.PRESENT)
    assert [one.text for one in offered.evidence] == ["breast cancer"]
    assert [(one.rule, one.codes) for one in offered.warnings] == [(RULE, ("C50.919",))]


def test_a_relatives_finding_is_suppressed_and_offers_family_history() -> None:
    text = "Mother had breast cancer."
    found = _sorted(text, [_item("C50.919", text, "breast cancer")])
    assert [(item.code, item.reason) for item in found.suppressed] == [("C50.919", "family")]
    assert [(item.code, item.assertion) for item in found.kept] == [("Z80.3", Assertion.FAMILY)]


@pytest.mark.parametrize("text", ["Her husband has breast cancer.", "No breast cancer.", "Breast cancer today."])
def test_nothing_is_offered_for_others_or_for_what_is_denied_or_present(text: str) -> None:
    word = "breast cancer" if "breast cancer" in text else "Breast cancer"
    found = _sorted(text, [_item("C50.919", text, word)])
    assert [item.code for item in (*found.kept, *found.suppressed)] == ["C50.919"]


def test_a_past_finding_that_goes_on_elsewhere_offers_nothing() -> None:
    text = "Previous stroke in 2015. Admitted with acute infarct."
    found = _sorted(text, [_item("I63.9", text, "stroke", "infarct")])
    assert [item.code for item in found.kept] == ["I63.9"]


def test_of_the_codes_near_to_one_mention_the_best_alone_is_followed() -> None:
    text = "Father with diabetes."
    items = [_item("E11.9", text, "diabetes"), _item("H35.3", text, "diabetes", score=0.2)]
    assert [item.code for item in _sorted(text, items).kept] == ["Z83.3"]


def test_a_code_that_stands_better_by_itself_keeps_its_place_and_gains_the_words() -> None:
    text = "H/o stroke. Old infarct in 2012."
    own = _item("Z86.73", text, "H/o stroke", score=0.95)
    found = _sorted(text, [own, _item("I63.9", text, "infarct")])
    first = found.kept[0]
    assert (first.code, first.score) == ("Z86.73", 0.95)
    assert [one.text for one in first.evidence] == ["H/o stroke", "infarct"]
    assert [item.rank for item in found.kept] == [1, 2]


def test_annotating_offers_nothing() -> None:
    text = "Mother had breast cancer."
    found = _sorted(text, [_item("C50.919", text, "breast cancer")], CodingOptions(assertion="annotate"))
    assert [item.code for item in found.kept] == ["C50.919"]


def test_evidence_elsewhere_keeps_a_code_that_its_own_evidence_denies() -> None:
    text = "Denies fever today. Fever of 39.2 yesterday."
    reader = AssertionReader(segment(Note((Document(text),))))
    denied, told = _item("R50.9", text, "fever"), _item("R50.9", text, "Fever")
    found = Sorted.empty(CodingOptions())
    found.add([denied], reader, lambda item: told.evidence)
    assert found.suppressed == [] and found.kept[0].assertion is Assertion.PRESENT
    assert [one.assertion for one in found.kept[0].evidence] == [Assertion.NEGATED, Assertion.PRESENT]
