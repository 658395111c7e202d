"""Bundles of whole notes validate as FHIR, and say of every finding what the note says of it.

In every run: the practice notes over a few categories. With ICD_CASCADE_TEST_CODIESP (the folder of CodiEsp) and
ICD_CASCADE_TEST_ARTIFACTS (built indexes) in the environment: the first 50 notes of its dev split over all codes.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from fhir.resources.R4B.bundle import Bundle

from app.api.fhir.bundle import to_bundle
from app.api.schemas.request import CodeRequest
from app.api.schemas.response import CodeOut, CodeResponse
from app.api.translation import to_response, to_work
from app.evaluation.corpora.codiesp import CodiEsp
from app.evaluation.practice_notes import PracticeNotes
from app.pipeline.assemble import open_coder
from app.pipeline.coding import Assertion
from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from model.backends import open_encoder
from tests.app.slices import Slice

CATEGORIES = "C50 E11 I10 I21 I26 I50 J18 J44 N18 R05 R06 R07 R50"
VERIFICATION = {
    Assertion.PRESENT: "provisional",
    Assertion.HISTORICAL: "provisional",
    Assertion.POSSIBLE: "unconfirmed",
    Assertion.NEGATED: "refuted",
}
OF_ALL_KINDS = """HPI: Fever since Monday, productive cough. Denies chest pain.
FAMILY HISTORY: Mother had breast cancer.
PLAN: Return if you develop shortness of breath.
ASSESSMENT: 1. Possible pneumonia. 2. Type 2 diabetes mellitus."""
CODIESP, ARTIFACTS = os.environ.get("ICD_CASCADE_TEST_CODIESP"), os.environ.get("ICD_CASCADE_TEST_ARTIFACTS")
SUBJECT = "Patient/p-17"


@pytest.fixture(scope="module")
def sliced(tmp_path_factory: pytest.TempPathFactory) -> CodingPipeline:
    artifacts = tmp_path_factory.mktemp("artifacts")
    build(Slice(CATEGORIES), open_encoder(), artifacts, builder_version="test")
    return open_coder(artifacts, "icd-10-cm", None, "onnx")


def answer_to(coder: CodingPipeline, text: str) -> CodeResponse:
    request = CodeRequest.model_validate({"text": text, "patient": {"reference": SUBJECT}})
    work = to_work(request, coder)
    [coding] = coder.code([work.note], [work.options])
    return to_response(request, coding, coder, str(uuid4()))


def check(answer: CodeResponse, text: str) -> Counter[str]:
    """The Bundle validates, survives the library's round trip, and holds what it should; counts its statuses."""
    bundle = to_bundle(answer, SUBJECT, "codepoint", datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    assert json.loads(Bundle.model_validate(bundle).model_dump_json()) == bundle
    conditions = [
        entry["resource"] for entry in bundle.get("entry", []) if entry["resource"]["resourceType"] == "Condition"
    ]
    found = {
        condition["code"]["coding"][0]["code"]: condition["verificationStatus"]["coding"][0]["code"]
        for condition in conditions
    }
    assert len(found) == len(conditions)
    assert found == {item.code: VERIFICATION[item.assertion] for item in expected(answer) if item.assertion}
    for condition in conditions:
        assert condition["subject"] == {"reference": SUBJECT}
        active = condition.get("clinicalStatus", {"coding": [{"code": None}]})["coding"][0]["code"]
        assert (active == "active") <= (condition["verificationStatus"]["coding"][0]["code"] == "provisional")
        for evidence in condition["evidence"]:
            _, offset, length = evidence["extension"][0]["extension"]
            start = offset["valueInteger"]
            words = text[start : start + length["valueInteger"]]
            assert words.split() == evidence["code"][0]["text"].split() != []
    return Counter(found.values())


def expected(answer: CodeResponse) -> list[CodeOut]:
    aside = (Assertion.POSSIBLE, Assertion.HISTORICAL)
    return [
        *(item for item in answer.codes if item.assertion in VERIFICATION),
        *(item for item in answer.candidates if item.assertion in aside),
        *(item for item in answer.suppressed if item.assertion is Assertion.NEGATED),
    ]


def test_each_kind_of_finding_becomes_what_it_should(sliced: CodingPipeline) -> None:
    answer = answer_to(sliced, OF_ALL_KINDS)
    reasons = {item.code[:3]: item.reason for item in answer.suppressed}
    assert (reasons.get("C50"), reasons.get("R07")) == ("family", "negated")
    statuses = check(answer, OF_ALL_KINDS)
    assert statuses["refuted"] >= 1 and statuses["provisional"] >= 1 and statuses["unconfirmed"] >= 1


def test_the_bundles_of_the_practice_notes_validate(sliced: CodingPipeline) -> None:
    statuses = Counter[str]()
    for note in PracticeNotes().notes()[:20]:
        statuses += check(answer_to(sliced, note.text), note.text)
    assert statuses["refuted"] > 0 < statuses["provisional"]


@pytest.mark.skipif(not (CODIESP and ARTIFACTS), reason="needs ICD_CASCADE_TEST_CODIESP and ICD_CASCADE_TEST_ARTIFACTS")
def test_the_bundles_of_fifty_dev_notes_validate(record_testsuite_property: Callable[[str, object], None]) -> None:
    coder = open_coder(Path(ARTIFACTS or ""), "icd-10-cm", None, "onnx")
    notes = CodiEsp(Path(CODIESP or "")).notes("dev")[:50]
    statuses, family = Counter[str](), 0
    for note in notes:
        answer = answer_to(coder, note.text)
        statuses += check(answer, note.text)
        family += sum(item.assertion is Assertion.FAMILY for item in answer.suppressed)
    record_testsuite_property("statuses", dict(statuses))
    record_testsuite_property("family findings without a Condition", family)
    assert len(notes) == 50
    assert statuses["refuted"] > 0 < family
