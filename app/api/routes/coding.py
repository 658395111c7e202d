"""POST /v1/code and POST /v1/code/batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.access.scopes import Scope
from app.api.audit import note_versions
from app.api.batch import answer_batch
from app.api.context import CoderHere, RequestId, ServiceHere
from app.api.fhir.batch import to_batch_bundle
from app.api.fhir.bundle import FHIR_JSON, subject_of, to_bundle
from app.api.fhir.resources import Resource
from app.api.negotiation import choose
from app.api.problems import documented
from app.api.schemas.fhir import FHIR_ANSWER, FHIR_BATCH_ANSWER
from app.api.schemas.request import BatchRequest, CodeRequest
from app.api.schemas.response import BatchResponse, CodeResponse
from app.api.security import CallerHere, require_scope
from app.api.translation import to_response, to_work
from app.errors import NotAcceptable, ServiceError
from app.pipeline.coding import Coding
from app.pipeline.shelved import versions_of
from app.serving.work import Lane, Outcome, Work

router = APIRouter(prefix="/v1/code", tags=["coding"], dependencies=[require_scope(Scope.CODE)])
JSON: Final = "application/json"
_VARY: Final = {"Vary": "Accept"}
_PROBLEMS: Final = documented(400, 401, 403, 406, 413, 415, 422, 429, 500, 503)
_ONE: Final = _PROBLEMS | {200: {"content": {FHIR_JSON: FHIR_ANSWER}}}
_BATCH: Final = _PROBLEMS | {200: {"content": {FHIR_JSON: FHIR_BATCH_ANSWER}}}


def media_type_of(request: Request) -> str:
    """The media type to answer with; raises NotAcceptable."""
    chosen = choose(",".join(request.headers.getlist("accept")), (JSON, FHIR_JSON))
    if chosen is None:
        raise NotAcceptable(f"Accept {JSON} or {FHIR_JSON} (FHIR R4).")
    return chosen


@router.post("", response_model=CodeResponse, responses=_ONE, summary="Code one encounter")
async def code(
    request: Request,
    body: CodeRequest,
    media_type: Annotated[str, Depends(media_type_of)],
    coder: CoderHere,
    service: ServiceHere,
    request_id: RequestId,
    caller: CallerHere,
) -> Response:
    """Ranked codes of one encounter, each with the words of the note that support it.

    With `Accept: application/fhir+json` the answer is a FHIR R4 Bundle, and `patient.reference` is required.

    A note without findings answers 200 with empty lists. 429 `overloaded` and 503 (`not-ready`, `deadline-exceeded`)
    say in Retry-After when to come back.
    """
    subject = subject_of(body) if media_type == FHIR_JSON else None
    work = to_work(body, coder)
    note_versions(request, versions_of(coder, work.options.code_sets))
    [outcome] = await service.admission.run(coder, [work], Lane.INTERACTIVE, request_id, caller.id, caller.limits)
    note_counts(request, [work], [outcome])
    if isinstance(outcome, ServiceError):
        raise outcome
    answer = to_response(body, outcome, coder, request_id)
    return _json(answer) if subject is None else _fhir(to_bundle(answer, subject, body.offset_unit, datetime.now(UTC)))


@router.post("/batch", response_model=BatchResponse, responses=_BATCH, summary="Code up to 64 encounters together")
async def code_batch(
    request: Request,
    body: BatchRequest,
    media_type: Annotated[str, Depends(media_type_of)],
    coder: CoderHere,
    service: ServiceHere,
    request_id: RequestId,
    caller: CallerHere,
) -> Response:
    """One item per note, in their order: `{"index", "status", "result" | "problem"}`.

    The batch answers 200 if it could be read; a note that breaks the contract, or that the service fails on, has a
    problem of its own with its own status, and the other notes are answered. A batch is admitted whole or not at all:
    429 `overloaded`, with Retry-After. Up to 4 notes are served like single notes; more give way to single notes, which
    get four fifths of the service while both wait.

    With `Accept: application/fhir+json` the answer is a FHIR R4 Bundle of type batch-response, with a Bundle or an
    OperationOutcome for each note, and each note must have its `patient.reference`.
    """
    note_versions(request, coder.versions)
    answer = await answer_batch(body.notes, coder, service, request_id, caller)
    note_counts(request, answer.works, answer.outcomes)
    if media_type == FHIR_JSON:
        return _fhir(to_batch_bundle(answer.items, body.notes, request_id, datetime.now(UTC)))
    return _json(BatchResponse(request_id=request_id, results=answer.items))


def note_counts(request: Request, works: Sequence[Work], outcomes: Sequence[Outcome]) -> None:
    """Leave counts for the access record."""
    codings = [outcome for outcome in outcomes if isinstance(outcome, Coding)]
    request.state.counts |= {
        "notes": len(works),
        "characters": sum(len(document.text) for work in works for document in work.note.documents),
        "codes": sum(len(coding.codes) + len(coding.candidates) for coding in codings),
    }


def _json(answer: CodeResponse | BatchResponse) -> Response:
    # Written by pydantic once; FastAPI would validate and convert the answer a second time.
    return Response(answer.model_dump_json(), headers=_VARY, media_type=JSON)


def _fhir(bundle: Resource) -> Response:
    content = json.dumps(bundle, ensure_ascii=False, separators=(",", ":"))
    return Response(content, headers=_VARY, media_type=FHIR_JSON)
