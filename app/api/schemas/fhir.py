"""The FHIR answer in openapi.json: what it always holds, and where FHIR itself defines the rest."""

from __future__ import annotations

from typing import Any, Final

_ENTRY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["fullUrl", "resource"],
    "properties": {
        "fullUrl": {"type": "string", "format": "uri", "description": "urn:uuid, from the request id and the code."},
        "resource": {
            "type": "object",
            "required": ["resourceType"],
            "properties": {"resourceType": {"enum": ["Condition", "Procedure", "DocumentReference", "Provenance"]}},
        },
    },
}

FHIR_ANSWER: Final[dict[str, Any]] = {
    "schema": {
        "title": "Bundle",
        "description": "FHIR R4 Bundle: a Condition or Procedure per code, and a Provenance with the versions.",
        "externalDocs": {"url": "http://hl7.org/fhir/R4/bundle.html"},
        "type": "object",
        "required": ["resourceType", "type", "identifier", "timestamp"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "collection"},
            "identifier": {"type": "object", "description": "The request id as a urn:uuid."},
            "timestamp": {"type": "string", "format": "date-time"},
            "entry": {"type": "array", "items": _ENTRY, "description": "Missing when no code is returned."},
        },
    }
}

_ANSWERED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["response"],
    "properties": {
        "resource": FHIR_ANSWER["schema"] | {"title": "Bundle of a note"},
        "response": {
            "type": "object",
            "required": ["status"],
            "properties": {
                "status": {"type": "string", "description": "200, or the status of the note's problem."},
                "outcome": {"type": "object", "description": "OperationOutcome of a note that is not answered."},
            },
        },
    },
}

FHIR_BATCH_ANSWER: Final[dict[str, Any]] = {
    "schema": {
        "title": "Bundle of Bundles",
        "description": "FHIR R4 Bundle: for each note, in their order, its Bundle or an OperationOutcome.",
        "externalDocs": {"url": "http://hl7.org/fhir/R4/http.html#transaction-response"},
        "type": "object",
        "required": ["resourceType", "type", "identifier", "timestamp"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "batch-response"},
            "identifier": {"type": "object", "description": "The request id as a urn:uuid."},
            "timestamp": {"type": "string", "format": "date-time"},
            "entry": {"type": "array", "items": _ANSWERED},
        },
    }
}
