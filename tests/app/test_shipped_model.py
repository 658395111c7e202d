"""The model that ships, over a slice of the real code set: what a coder would expect of ordinary sentences."""

from __future__ import annotations

import pytest

from app.pipeline.calibration import SHIPPED, load_all
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.loader import load
from model.backends import open_encoder
from tests.app.slices import Slice

CATEGORIES = "D50 D64 E11 E78 F32 G43 I10 I21 I48 I50 J18 J44 J45 K35 M54 N18 N39 R05 R06 R07 R50 Z87"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> CodingPipeline:
    artifacts = tmp_path_factory.mktemp("artifacts")
    encoder = open_encoder()
    build(Slice(CATEGORIES), encoder, artifacts, builder_version="test")
    calibrations = load_all([SHIPPED], encoder.info.version)
    assert {"general", "codiesp"} <= calibrations.keys(), "the shipped calibrations belong to another model"
    return CodingPipeline(encoder, load(artifacts, "icd-10-cm", encoder), calibrations=calibrations)


@pytest.mark.parametrize(
    ("sentence", "code", "words"),
    [
        ("He was found to have community-acquired pneumonia on chest film.", "J18.9", "pneumonia"),
        ("Complains of shortness of breath on climbing stairs.", "R06.02", "shortness of breath"),
        ("PMH: HTN, on lisinopril.", "I10", "HTN"),
        ("She is followed for type 2 diabetes.", "E11.9", "diabetes"),
        ("Stage 3 chronic kidney disease, stable.", "N18.30", "kidney disease"),
        ("ECG shows atrial fibrillation with rapid ventricular response.", "I48.91", "atrial fibrillation"),
        ("Dysuria; urine culture confirms a urinary tract infection.", "N39.0", "urinary tract infection"),
        ("NSTEMI last night, now pain free.", "I21.4", "NSTEMI"),
        ("Presented with acute appendicitis and went to surgery.", "K35.80", "appendicitis"),
        ("Long-standing low back pain.", "M54.50", "low back pain"),
        ("Acute exacerbation of COPD.", "J44.1", "COPD"),
        ("High cholesterol, on a statin.", "E78.00", "cholesterol"),
    ],
)
def test_an_ordinary_finding_is_among_the_first_with_its_words(
    shipped: CodingPipeline, sentence: str, code: str, words: str
) -> None:
    coding = shipped.code([Note((Document(sentence),))], [CodingOptions()])[0]
    listed = (coding.codes + coding.candidates)[:5]
    found = next((item for item in listed if item.code == code), None)
    assert found is not None, f"{code} is not in {[item.code for item in listed]}"
    assert any(words in sentence[e.start : e.end] or sentence[e.start : e.end] in words for e in found.evidence)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for coming in today. See you next week.",
        "The patient was seen and examined today.",
        "Please call the office with any questions or to reschedule.",
        "The record was reviewed with the resident, and the plan was discussed with the family.",
        "This dictation was transcribed by software and may contain typographical errors.",
        "I spent 25 minutes face to face with the patient.",
        "She brought her paperwork, which was completed and returned to her.",
        "Consent was obtained. The risks and benefits were explained, and all questions were answered.",
        "Dr. Miller will see the patient on Tuesday at 10 a.m. in room 204.",
        "Electronically signed by the attending physician on 3/14/2025.",
        "Vital signs: BP 120/80, HR 72, RR 16, T 98.6.",
        "The meeting has been moved to Thursday afternoon because the conference room is being painted.",
        "Patient is doing well and has no complaints today.",
    ],
)
def test_a_note_without_findings_gets_empty_lists(shipped: CodingPipeline, text: str) -> None:
    coding = shipped.code([Note((Document(text),))], [CodingOptions()])[0]
    assert (coding.codes, coding.candidates, coding.suppressed) == ((), (), ())
