from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome

from app.api.fhir.bundle import to_bundle
from app.api.fhir.outcome import to_outcome
from app.api.problems import problem_of
from app.api.schemas.request import CodeRequest
from app.api.translation import to_response
from app.errors import Overloaded
from app.pipeline.coding import Assertion, Caution, CodedItem, Coding, Evidence
from tests.app.api.client import Client
from tests.app.fakes import SYSTEM, FakeCoder

PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
REQUEST_ID = "3f0d2c1e-7b4a-4c57-9a53-6a1de3b0c9aa"
PATIENT = {"reference": "Patient/p-17"}
TEXT = "Long-standing gout 😀 and\u00a0asthma."
FHIR = {"Accept": "application/fhir+json"}


def item(code: str, assertion: Assertion | None = Assertion.PRESENT, system: str = SYSTEM, **fields: Any) -> CodedItem:
    words = "gout 😀 and\u00a0asthma\f"
    return CodedItem(
        code=code,
        display=f"Title of {code}",
        system=system,
        edition="2026-04",
        rank=1,
        score=0.9,
        probability=None,
        billable=True,
        evidence=(Evidence(0, 14, 31, words, 1.0, "assessment", assertion), Evidence(1, 0, 4, "gout", 0.5, None)),
        stage_scores={},
        assertion=assertion,
        **fields,
    )


def bundle_of(coder: FakeCoder, coding: Coding, note_id: str | None = None) -> dict[str, Any]:
    """The bundle, valid by the FHIR library and unchanged by its round trip."""
    answer = to_response(CodeRequest(text=TEXT, note_id=note_id), coding, coder, REQUEST_ID)
    bundle = to_bundle(answer, "Patient/p-17", "codepoint", datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    check_valid(bundle)
    return bundle


def check_valid(bundle: dict[str, Any]) -> None:
    read = Bundle.model_validate(bundle)
    assert json.loads(read.model_dump_json()) == bundle


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in bundle.get("entry", [])]
    return [resource for resource in found if resource["resourceType"] == kind]


def status(condition: dict[str, Any], element: str) -> str | None:
    return condition[element]["coding"][0]["code"] if element in condition else None


def span(element: dict[str, Any]) -> tuple[str, int, int]:
    """Reference, offset and length of the one derivation-reference of an element."""
    [extension] = element["extension"]
    assert extension["url"] == "http://hl7.org/fhir/StructureDefinition/derivation-reference"
    reference, offset, length = extension["extension"]
    assert [part["url"] for part in extension["extension"]] == ["reference", "offset", "length"]
    return reference["valueReference"]["reference"], offset["valueInteger"], length["valueInteger"]


def ask(client: Client, accept: str = FHIR["Accept"], **fields: Any) -> httpx.Response:
    return client.send("POST", "/v1/code", json={"text": TEXT} | fields, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("assertion", "verification", "clinical"),
    [
        (Assertion.PRESENT, "provisional", "active"),
        (Assertion.HISTORICAL, "provisional", "inactive"),
        (Assertion.POSSIBLE, "unconfirmed", None),
        (Assertion.NEGATED, "refuted", None),
        (None, "unconfirmed", None),
    ],
)
def test_assertion_becomes_the_status(
    coder: FakeCoder, assertion: Assertion | None, verification: str, clinical: str | None
) -> None:
    [condition] = resources(bundle_of(coder, Coding((item("M10.9", assertion),), (), ())), "Condition")
    assert (status(condition, "verificationStatus"), status(condition, "clinicalStatus")) == (verification, clinical)
    assert condition["subject"] == PATIENT
    assert condition["code"]["coding"] == [
        {"system": SYSTEM, "version": "2026-04", "code": "M10.9", "display": "Title of M10.9"}
    ]


@pytest.mark.parametrize("assertion", [Assertion.FAMILY, Assertion.HYPOTHETICAL])
def test_what_is_not_the_patients_gets_no_resource(coder: FakeCoder, assertion: Assertion) -> None:
    other = item("Z80.3", assertion)
    bundle = bundle_of(coder, Coding((other,), (other,), (replace(other, reason=assertion.value),)))
    assert "entry" not in bundle


def test_negated_codes_are_refuted_and_plain_candidates_left_out(coder: FakeCoder) -> None:
    coding = Coding(
        codes=(item("M10.9"),),
        candidates=(item("J45"), item("J45.2", Assertion.POSSIBLE)),
        suppressed=(item("J45.20", Assertion.NEGATED, reason="negated"),),
    )
    found = {
        condition["code"]["coding"][0]["code"]: status(condition, "verificationStatus")
        for condition in resources(bundle_of(coder, coding), "Condition")
    }
    assert found == {"M10.9": "provisional", "J45.2": "unconfirmed", "J45.20": "refuted"}


def test_evidence_carries_the_words_and_notes_their_place(coder: FakeCoder) -> None:
    warned = item("M10.9", warnings=(Caution("laterality", "Which side?"),))
    [condition] = resources(bundle_of(coder, Coding((warned,), (), ())), "Condition")
    assert [one["code"][0]["text"] for one in condition["evidence"]] == ["gout 😀 and asthma ", "gout"]
    assert [note["text"] for note in condition["note"]] == [
        "Suggested by software, not confirmed by a person. Rank 1, score 0.9, probability not calibrated.",
        "Evidence 1: document 0, start 14, end 31 (codepoint), section assessment, present",
        "Evidence 2: document 1, start 0, end 4 (codepoint)",
        "Warning laterality: Which side?",
    ]


def test_evidence_points_into_the_documents(coder: FakeCoder) -> None:
    bundle = bundle_of(coder, Coding((item("M10.9"),), (), ()))
    [condition] = resources(bundle, "Condition")
    sources = {
        entry["fullUrl"]: entry["resource"]["content"][0]["attachment"]["title"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "DocumentReference"
    }
    found = [span(evidence) for evidence in condition["evidence"]]
    assert [(sources[url], offset, length) for url, offset, length in found] == [
        ("document 0", 14, 17),
        ("document 1", 0, 4),
    ]
    assert all(document["subject"] == PATIENT for document in resources(bundle, "DocumentReference"))


@pytest.mark.parametrize(("assertion", "expected"), [(Assertion.PRESENT, "unknown"), (Assertion.NEGATED, "not-done")])
def test_procedure_codes_become_procedures(coder: FakeCoder, assertion: Assertion, expected: str) -> None:
    bundle = bundle_of(coder, Coding((item("0DTJ4ZZ", assertion, PCS),), (), ()))
    [procedure] = resources(bundle, "Procedure")
    assert (procedure["status"], procedure["subject"]) == (expected, PATIENT)
    assert procedure["code"]["coding"][0]["code"] == "0DTJ4ZZ"
    assert procedure["note"][2]["text"].endswith("(codepoint): gout")
    assert [part["extension"][1]["valueInteger"] for part in procedure["extension"]] == [14, 0]
    assert not resources(bundle, "Condition")


@pytest.mark.parametrize(
    ("code", "kind"), [("47.01", "Procedure"), ("47", "Procedure"), ("540.9", "Condition"), ("V10.3", "Condition")]
)
def test_icd_9_procedures_are_told_by_their_form(coder: FakeCoder, code: str, kind: str) -> None:
    bundle = bundle_of(coder, Coding((item(code, system="http://hl7.org/fhir/sid/icd-9-cm"),), (), ()))
    assert bundle["entry"][0]["resource"]["resourceType"] == kind


def test_provenance_targets_every_entry_and_names_the_versions(coder: FakeCoder) -> None:
    bundle = bundle_of(coder, Coding((item("M10.9"), item("0DTJ4ZZ", system=PCS)), (), ()), note_id="n-1")
    *entries, first, second, last = bundle["entry"]
    provenance = last["resource"]
    assert [target["reference"] for target in provenance["target"]] == [entry["fullUrl"] for entry in entries]
    [device] = provenance["contained"]
    named = {version["type"]["text"]: version["value"] for version in device["version"]}
    assert (named["model"], named["index"], named["code_set"]) == ("model-1", "index-1", "icd-10-cm 2026-04")
    assert provenance["agent"][0]["who"] == {"reference": "#" + device["id"]}
    assert [source["what"] for source in provenance["entity"]] == [
        {"reference": first["fullUrl"]},
        {"reference": second["fullUrl"]},
        {"identifier": {"value": "n-1"}},
    ]


def test_full_urls_follow_from_request_id_and_code(client: Client) -> None:
    def urls(request_id: str) -> list[str]:
        headers = FHIR | {"X-Request-ID": request_id}
        response = client.send("POST", "/v1/code", json={"text": TEXT, "patient": PATIENT}, headers=headers)
        return [entry["fullUrl"] for entry in response.json()["entry"]]

    first = urls(REQUEST_ID)
    assert len(set(first)) == len(first) == 4
    assert all(uuid.UUID(url) for url in first)
    assert urls(REQUEST_ID) == first
    assert set(urls(uuid.uuid4().hex)).isdisjoint(first)


def test_answer_is_a_valid_bundle_when_fhir_is_accepted(client: Client) -> None:
    response = ask(client, patient=PATIENT, offset_unit="utf16")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/fhir+json")
    assert response.headers["Vary"] == "Accept"
    bundle = response.json()
    check_valid(bundle)
    asthma, gout = resources(bundle, "Condition")
    assert gout["evidence"][0]["code"] == [{"text": "gout"}]
    start = TEXT.index("asthma") + 1  # the emoji before it counts twice
    assert span(asthma["evidence"][0])[1:] == (start, 6)
    assert f"start {start}, end {start + 6} (utf16)" in asthma["note"][1]["text"]


def test_json_stays_the_default(client: Client) -> None:
    for accept in ("*/*", "application/json, application/fhir+json;q=0.9"):
        response = ask(client, accept)
        assert (response.headers["content-type"], response.headers["Vary"]) == ("application/json", "Accept")


def test_note_without_finding_is_an_empty_bundle(client: Client) -> None:
    bundle = ask(client, text="The car was washed.", patient=PATIENT).json()
    check_valid(bundle)
    assert "entry" not in bundle


@pytest.mark.parametrize("patient", [{}, {"reference": "p-17"}, {"reference": "#p"}, {"reference": "Patient/p 17"}])
def test_subject_must_be_a_reference(client: Client, patient: dict[str, str]) -> None:
    response = ask(client, patient=patient)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    [error] = response.json()["errors"]
    assert error["field"] == "patient.reference"
    assert "p-17" not in response.text


@pytest.mark.parametrize(
    "reference",
    ["Patient/p-17", "https://fhir.example.org/r4/Patient/17", f"urn:uuid:{REQUEST_ID}", "urn:oid:2.16.840"],
)
def test_references_of_fhir_are_taken(client: Client, reference: str) -> None:
    bundle = ask(client, patient={"reference": reference}).json()
    check_valid(bundle)
    assert resources(bundle, "Condition")[0]["subject"]["reference"] == reference


def test_other_media_types_are_refused(client: Client) -> None:
    response = ask(client, "application/fhir+xml", patient=PATIENT)
    assert (response.status_code, response.headers["content-type"]) == (406, "application/problem+json")
    assert response.json()["type"].endswith(":not-acceptable")


def test_a_batch_is_a_bundle_of_bundles_and_outcomes(client: Client) -> None:
    notes = [
        {"text": TEXT, "patient": PATIENT},
        {"text": TEXT, "patient": {"reference": "nobody 17"}},
        {"text": TEXT, "patient": PATIENT, "top_k": 0},
        {"text": TEXT, "patient": {"reference": "Patient/p-18"}},
    ]
    response = client.send("POST", "/v1/code/batch", json={"notes": notes}, headers=FHIR)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/fhir+json")
    batch = response.json()
    check_valid(batch)
    assert batch["type"] == "batch-response"
    assert [entry["response"]["status"] for entry in batch["entry"]] == ["200", "422", "422", "200"]
    first, nobody, limit, last = batch["entry"]
    subjects = {condition["subject"]["reference"] for condition in resources(last["resource"], "Condition")}
    assert subjects == {"Patient/p-18"}
    urls = [entry["fullUrl"] for answered in (first, last) for entry in answered["resource"]["entry"]]
    assert len(set(urls)) == len(urls)
    for entry, field in ((nobody, "patient.reference"), (limit, "top_k")):
        [issue] = entry["response"]["outcome"]["issue"]
        assert (issue["severity"], issue["code"]) == ("error", "invalid")
        assert issue["diagnostics"].startswith(field + ": ")
    assert "nobody" not in response.text


def test_an_outcome_says_whether_to_come_back() -> None:
    outcome = to_outcome(problem_of(Overloaded("Try later.", retry_after=3), REQUEST_ID))
    OperationOutcome.model_validate(outcome)
    assert [(issue["code"], issue["diagnostics"]) for issue in outcome["issue"]] == [("throttled", "Try later.")]


def test_a_batch_in_json_is_as_before(client: Client) -> None:
    response = client.send("POST", "/v1/code/batch", json={"notes": [{"text": TEXT}]})
    assert (response.headers["content-type"], response.headers["Vary"]) == ("application/json", "Accept")
    assert response.json()["results"][0]["status"] == 200
