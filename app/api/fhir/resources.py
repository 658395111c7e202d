"""A coded item as a FHIR R4 resource: Condition for a diagnosis, Procedure for a procedure code.

What the service says is a suggestion that no person has looked at, so nothing becomes `confirmed` or `completed`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from app.api.schemas.response import CodeOut, EvidenceOut
from app.pipeline.coding import Assertion

Resource = dict[str, Any]

TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"
# FHIR names ICD-10-PCS by the first; the second is the form of its siblings and is in use.
_PROCEDURES: Final = frozenset({"http://www.cms.gov/Medicare/Coding/ICD10", "http://hl7.org/fhir/sid/icd-10-pcs"})
# ICD-9-CM has both kinds under one name; procedures have two digits before the dot, diagnoses three or a letter.
_ICD_9_CM: Final = "http://hl7.org/fhir/sid/icd-9-cm"
_ICD_9_PROCEDURE: Final = re.compile(r"\d\d(\.\d+)?")
# Of HL7's extension pack: where in a source text an element was found.
_FOUND_AT: Final = "http://hl7.org/fhir/StructureDefinition/derivation-reference"
# FHIR strings hold no control characters, and of white space these four only (validators differ on the others).
_NOT_IN_STRINGS: Final = re.compile(r"[^\S \r\n\t]|[\x00-\x08\x0e-\x1f]")


class Status(NamedTuple):
    """Condition.verificationStatus and Condition.clinicalStatus; None: the element is left out."""

    verification: str
    clinical: str | None


# Family and hypothetical findings are not the patient's: they are not here, and get no resource.
_STATUSES: Final[dict[Assertion | None, Status]] = {
    Assertion.PRESENT: Status("provisional", "active"),
    Assertion.HISTORICAL: Status("provisional", "inactive"),
    Assertion.POSSIBLE: Status("unconfirmed", None),
    Assertion.NEGATED: Status("refuted", None),
    None: Status("unconfirmed", None),  # the note was not read for it
}


def to_resource(item: CodeOut, subject: str, offset_unit: str, documents: Sequence[str]) -> Resource | None:
    """The resource of a code; None when what the note says is not about the patient, or not about now or before.

    subject: a reference to the patient. offset_unit: what the offsets of the evidence count. documents: the fullUrl
    of the DocumentReference of each document.
    """
    if item.assertion not in _STATUSES:
        return None
    if _is_procedure(item):
        return _procedure(item, subject, offset_unit, documents)
    return _condition(item, subject, offset_unit, documents)


def to_document(number: int, subject: str) -> Resource:
    """What stands for a document of the note, without its text: offsets need something to count in."""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": subject},
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "title": f"document {number}"}}],
    }


def plain(text: str) -> str:
    """A string that FHIR takes: what FHIR does not becomes a space, so that the length stays."""
    return _NOT_IN_STRINGS.sub(" ", text)


def _is_procedure(item: CodeOut) -> bool:
    if item.system == _ICD_9_CM:
        return _ICD_9_PROCEDURE.fullmatch(item.code) is not None
    return item.system in _PROCEDURES


def _condition(item: CodeOut, subject: str, offset_unit: str, documents: Sequence[str]) -> Resource:
    status = _STATUSES[item.assertion]
    condition: Resource = {"resourceType": "Condition"}
    if status.clinical is not None:
        condition["clinicalStatus"] = _concept("condition-clinical", status.clinical)
    return condition | {
        "verificationStatus": _concept("condition-ver-status", status.verification),
        "category": [_concept("condition-category", "encounter-diagnosis")],
        "code": _code(item),
        "subject": {"reference": subject},
        "evidence": [
            {"extension": [_found_at(evidence, documents)], "code": [{"text": plain(evidence.text)}]}
            for evidence in item.evidence
        ],
        "note": _notes(item, [_place(evidence, offset_unit) for evidence in item.evidence]),
    }


def _procedure(item: CodeOut, subject: str, offset_unit: str, documents: Sequence[str]) -> Resource:
    # R4 requires a status and has no word for "suggested"; a Procedure has no evidence, so a note holds the words.
    places = [f"{_place(evidence, offset_unit)}: {plain(evidence.text)}" for evidence in item.evidence]
    return {
        "resourceType": "Procedure",
        "extension": [_found_at(evidence, documents) for evidence in item.evidence],
        "status": "not-done" if item.assertion is Assertion.NEGATED else "unknown",
        "code": _code(item),
        "subject": {"reference": subject},
        "note": _notes(item, places),
    }


def _found_at(evidence: EvidenceOut, documents: Sequence[str]) -> Resource:
    return {
        "url": _FOUND_AT,
        "extension": [
            {"url": "reference", "valueReference": {"reference": documents[evidence.document]}},
            {"url": "offset", "valueInteger": evidence.start},
            {"url": "length", "valueInteger": evidence.end - evidence.start},
        ],
    }


def _code(item: CodeOut) -> Resource:
    coding = {"system": item.system, "version": item.edition, "code": item.code, "display": item.display}
    return {"coding": [coding]}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": TERMINOLOGY + system, "code": code}]}


def _notes(item: CodeOut, places: list[str]) -> list[Resource]:
    """How sure, where in the note, what to look at; evidence in the order of Condition.evidence."""
    probability = "not calibrated" if item.probability is None else str(item.probability)
    suggestion = "Suggested by software, not confirmed by a person. "
    suggestion += f"Rank {item.rank}, score {item.score}, probability {probability}."
    evidence = [f"Evidence {number}: {place}" for number, place in enumerate(places, 1)]
    warnings = [f"Warning {warning.rule}: {warning.message}" for warning in item.warnings]
    return [{"text": text} for text in (suggestion, *evidence, *warnings)]


def _place(evidence: EvidenceOut, offset_unit: str) -> str:
    parts = [f"document {evidence.document}", f"start {evidence.start}", f"end {evidence.end} ({offset_unit})"]
    if evidence.section is not None:
        parts.append(f"section {plain(evidence.section)}")
    if evidence.assertion is not None:
        parts.append(evidence.assertion.value)
    return ", ".join(parts)
