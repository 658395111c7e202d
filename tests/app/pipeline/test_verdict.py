"""What becomes of a code: kept, among the candidates only, or suppressed with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.assertion.verdict import Place, Verdict, asserted, judge
from app.pipeline.coding import Assertion, CodedItem, Coding, Evidence
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.segment import segment_read

OUT, IN = CodingOptions(), CodingOptions(encounter="inpatient")
ANNOTATE = CodingOptions(assertion="annotate")
SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"


def _item(code: str, *said: Assertion, words: str = "gout", display: str = "Some finding") -> CodedItem:
    evidence = tuple(Evidence(0, at, at + 4, words, 0.9, None, one) for at, one in enumerate(said))
    return CodedItem(code, display, SYSTEM, "2026-04", 1, 0.9, None, True, evidence, {})


@pytest.mark.parametrize(
    ("said", "options", "expected"),
    [
        ([Assertion.NEGATED, Assertion.PRESENT], OUT, Verdict(Assertion.PRESENT, Place.CODES)),
        ([Assertion.NEGATED], OUT, Verdict(Assertion.NEGATED, Place.SUPPRESSED, "negated")),
        ([Assertion.FAMILY, Assertion.NEGATED], OUT, Verdict(Assertion.FAMILY, Place.SUPPRESSED, "family")),
        ([Assertion.HYPOTHETICAL], IN, Verdict(Assertion.HYPOTHETICAL, Place.SUPPRESSED, "hypothetical")),
        ([Assertion.POSSIBLE, Assertion.NEGATED], OUT, Verdict(Assertion.POSSIBLE, Place.CANDIDATES)),
        ([Assertion.POSSIBLE], IN, Verdict(Assertion.POSSIBLE, Place.CODES)),
        ([Assertion.HISTORICAL], OUT, Verdict(Assertion.HISTORICAL, Place.CANDIDATES)),
        ([Assertion.HISTORICAL, Assertion.PRESENT], OUT, Verdict(Assertion.PRESENT, Place.CODES)),
        ([Assertion.FAMILY], ANNOTATE, Verdict(Assertion.FAMILY, Place.CODES)),
        ([Assertion.POSSIBLE], ANNOTATE, Verdict(Assertion.POSSIBLE, Place.CODES)),
    ],
)
def test_any_present_evidence_keeps_a_code(said: list[Assertion], options: CodingOptions, expected: Verdict) -> None:
    assert judge(_item("M10.9", *said), options) == expected


@pytest.mark.parametrize(
    ("code", "said", "place"),
    [
        ("Z80.3", Assertion.FAMILY, Place.CODES),
        ("Z80.3", Assertion.NEGATED, Place.SUPPRESSED),
        ("Z80.3", Assertion.PRESENT, Place.CANDIDATES),
        ("Z12.11", Assertion.HYPOTHETICAL, Place.CODES),
        ("Z88.0", Assertion.HYPOTHETICAL, Place.CODES),
        ("Z88.0", Assertion.NEGATED, Place.SUPPRESSED),
        ("Z85.3", Assertion.HISTORICAL, Place.CODES),
        ("Z85.3", Assertion.FAMILY, Place.SUPPRESSED),
        ("Z01.419", Assertion.NEGATED, Place.CODES),  # "examination is unremarkable", "well-child check"
        ("Z00.129", Assertion.NEGATED, Place.CODES),
        ("Z01.818", Assertion.NEGATED, Place.SUPPRESSED),
    ],
)
def test_a_code_is_kept_by_the_assertion_that_it_is_about(code: str, said: Assertion, place: Place) -> None:
    assert judge(_item(code, said), OUT).place is place


def test_a_code_for_something_missing_is_kept_by_no() -> None:
    menses = _item("N91.2", Assertion.NEGATED, words="no menses", display="Absence of menstruation")
    assert judge(menses, OUT) == Verdict(Assertion.PRESENT, Place.CODES)
    assert judge(replace(menses, display="Menorrhagia"), OUT).place is Place.SUPPRESSED


def _said(text: str, words: str, display: str) -> Assertion | None:
    start = text.index(words)
    evidence = Evidence(0, start, start + len(words), words, 0.9, None)
    item = CodedItem("X", display, SYSTEM, "2026-04", 1, 0.9, None, True, (evidence,), {})
    return asserted(item, AssertionReader(segment_read(Note((Document(text),))))).evidence[0].assertion


@pytest.mark.parametrize(
    ("text", "words", "display"),
    [
        ("Type 2 diabetes. No hypoglycemia.", "Type 2 diabetes", "Type 2 diabetes mellitus with hypoglycemia"),
        ("COPD, stable. Denies exacerbations.", "COPD", "Chronic obstructive pulmonary disease with exacerbation"),
        ("Sigmoid diverticulitis. No perforation.", "diverticulitis", "Diverticulitis with perforation"),
        ("Gallstones. No wall thickening to suggest cholecystitis.", "Gallstones", "Calculus with acute cholecystitis"),
    ],
)
def test_a_code_with_more_than_its_words_is_denied_where_the_note_denies_that(
    text: str, words: str, display: str
) -> None:
    assert _said(text, words, display) is Assertion.NEGATED


@pytest.mark.parametrize(
    ("text", "words", "display"),
    [
        ("Type 2 diabetes. Hypoglycemia twice.", "Type 2 diabetes", "Type 2 diabetes mellitus with hypoglycemia"),
        ("Type 2 diabetes, seen by the dietitian.", "Type 2 diabetes", "Type 2 diabetes mellitus with hypoglycemia"),
        ("No fever. Exacerbation of COPD.", "Exacerbation of COPD", "Pulmonary disease with exacerbation"),
        ("Diverticulitis. No perforation.", "Diverticulitis", "Diverticulitis without perforation or abscess"),
        ("No perforation then. Perforation now. Ulcer.", "Ulcer", "Gastric ulcer with perforation"),
        ("Diabetes. Call if hypoglycemia.", "Diabetes", "Diabetes with hypoglycemia"),  # thought of, not denied
    ],
)
def test_it_stays_where_the_note_has_it_or_does_not_speak_of_it(text: str, words: str, display: str) -> None:
    assert _said(text, words, display) is Assertion.PRESENT


@pytest.mark.parametrize(
    ("text", "display", "said"),
    [
        ("CT angiogram was negative for pulmonary embolism", "History of pulmonary embolism", Assertion.NEGATED),
        ("duplex without thrombosis of the leg", "Phlebitis and thrombosis of leg", Assertion.NEGATED),
        ("Gallbladder is well distended, without stones", "Calculus of gallbladder", Assertion.NEGATED),
        ("kidneys normal, no stones", "Calculus of kidney", Assertion.NEGATED),
        ("MRI without tumor", "Malignant neoplasm of brain", Assertion.NEGATED),
        ("Gallbladder with stones, no wall edema", "Calculus of gallbladder", Assertion.PRESENT),
        ("Chest discomfort, no pain on MRI day", "Chest pain, unspecified", Assertion.PRESENT),
    ],
)
def test_what_is_named_decides_not_how_it_was_looked_for(text: str, display: str, said: Assertion) -> None:
    assert _said(text + ".", text, display) is said


def _code(pipeline: CodingPipeline, text: str, options: CodingOptions) -> Coding:
    return pipeline.code([Note((Document(text),))], [options])[0]


def test_a_negated_finding_is_suppressed_and_leaves_its_place_to_the_next(pipeline: CodingPipeline) -> None:
    text = "Denies cough, hay fever, or shingles.\nAssessment: low back pain."
    coding = _code(pipeline, text, replace(OUT, top_k=2))
    assert {item.code for item in coding.suppressed} == {"B02", "J30"}
    assert {item.reason for item in coding.suppressed} == {"negated"}
    first = coding.codes[0]
    assert (first.code, first.rank, first.assertion) == ("M54", 1, Assertion.PRESENT)


def test_an_uncertain_finding_counts_for_an_inpatient_only(pipeline: CodingPipeline) -> None:
    text = "Assessment: shingles?"
    clinic, ward = (_code(pipeline, text, options) for options in (OUT, IN))
    assert "B02" not in {i.code for i in clinic.codes} and clinic.candidates[0].code == "B02"
    assert ward.codes[0].code == "B02" and ward.codes[0].assertion is Assertion.POSSIBLE


def test_annotating_suppresses_nothing(pipeline: CodingPipeline) -> None:
    coding = _code(pipeline, "Denies cough, shingles.\nFamily History: low back pain.", ANNOTATE)
    said = {item.code: item.assertion for item in coding.codes + coding.candidates}
    assert said["B02"] is Assertion.NEGATED and said["M54"] is Assertion.FAMILY
    assert coding.suppressed == () and all(item.reason is None for item in coding.candidates)


@pytest.mark.parametrize(
    ("text", "lesser", "expected"),
    [
        ("No otitis media. Diagnosis: otitis externa.", "otitis", Place.SUPPRESSED),
        ("No otitis media last week. Now otitis media.", "otitis media", Place.CODES),
    ],
)
def test_words_that_say_less_than_what_is_denied_are_no_evidence(text: str, lesser: str, expected: Place) -> None:
    reader = AssertionReader(segment_read(Note((Document(text),))))
    denied, at = text.index("otitis media"), text.rindex(lesser)
    evidence = (
        Evidence(0, denied, denied + len("otitis media"), "otitis media", 0.9, None),
        Evidence(0, at, at + len(lesser), lesser, 0.88, None),
    )
    item = replace(_item("H66.90", Assertion.PRESENT, display="Otitis media, unspecified"), evidence=evidence)
    assert judge(asserted(item, reader), OUT).place is expected
