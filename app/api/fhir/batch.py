"""The answers to several notes as one FHIR R4 Bundle of type batch-response."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from app.api.fhir.bundle import instant_of, subject_of, to_bundle
from app.api.fhir.outcome import to_outcome
from app.api.fhir.resources import Resource
from app.api.problems import problem_of
from app.api.schemas.request import CodeRequest
from app.api.schemas.response import BatchItem, CodeResponse
from app.errors import ServiceError


def to_batch_bundle(items: Sequence[BatchItem], notes: Sequence[Any], request_id: str, recorded: datetime) -> Resource:
    """An entry per note in their order: its own Bundle, or an OperationOutcome.

    items: the answers, one per note. notes: the notes as they were sent; a note that was answered but names no patient
    that a Condition could be about gets an outcome. recorded: now, with a time zone.
    """
    entries = [_entry(item, notes[item.index], request_id, recorded) for item in items]
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": UUID(request_id).urn},
        "type": "batch-response",
        "timestamp": instant_of(recorded),
        "entry": entries,
    }


def _entry(item: BatchItem, note: Any, request_id: str, recorded: datetime) -> Resource:
    if item.result is not None:
        try:
            return {"resource": _bundle(item.index, item.result, note, recorded), "response": {"status": "200"}}
        except ServiceError as error:
            problem = problem_of(error, request_id)
    elif item.problem is not None:
        problem = item.problem
    return {"response": {"status": str(problem.status), "outcome": to_outcome(problem)}}


def _bundle(index: int, answer: CodeResponse, note: Any, recorded: datetime) -> Resource:
    request = CodeRequest.model_validate(note)
    # The notes share the id of the request; every Bundle, and what is in it, needs one of its own.
    own = str(uuid5(UUID(answer.request_id), f"note {index}"))
    return to_bundle(answer.model_copy(update={"request_id": own}), subject_of(request), request.offset_unit, recorded)
