"""A problem as a FHIR R4 OperationOutcome: the same words, one issue for each field that breaks the contract."""

from __future__ import annotations

from typing import Final

from app.api.fhir.resources import Resource
from app.api.schemas.problem import Problem

# http://hl7.org/fhir/R4/valueset-issue-type.html
_ISSUE_TYPES: Final = {429: "throttled", 500: "exception", 503: "transient"}


def to_outcome(problem: Problem) -> Resource:
    """diagnostics begins with the field as the contract names it; it is no FHIRPath, so `expression` stays empty."""
    said = [f"{error.field}: {error.message}" for error in problem.errors] or [problem.detail]
    issue = {
        "severity": "error",
        "code": _ISSUE_TYPES.get(problem.status, "invalid"),
        "details": {"coding": [{"code": problem.type}], "text": problem.title},
    }
    return {"resourceType": "OperationOutcome", "issue": [issue | {"diagnostics": text} for text in said]}
