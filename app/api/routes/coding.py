"""POST /v1/code and POST /v1/code/batch."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.api.batch import answer_batch
from app.api.context import CoderHere, RequestId, ServiceHere
from app.api.problems import documented
from app.api.schemas.request import BatchRequest, CodeRequest
from app.api.schemas.response import BatchResponse, CodeResponse
from app.api.translation import to_response, to_work
from app.errors import ServiceError
from app.pipeline.coding import Coding
from app.serving.work import Lane, Outcome, Work

router = APIRouter(prefix="/v1/code", tags=["coding"])
_PROBLEMS = documented(400, 413, 415, 422, 429, 500, 503)


@router.post("", response_model=CodeResponse, responses=_PROBLEMS, summary="Code one encounter")
async def code(
    request: Request, body: CodeRequest, coder: CoderHere, service: ServiceHere, request_id: RequestId
) -> Response:
    """Ranked codes of one encounter, each with the words of the note that support it.

    A note without findings answers 200 with empty lists. 429 `overloaded` and 503 (`not-ready`, `deadline-exceeded`)
    say in Retry-After when to come back.
    """
    work = to_work(body, coder)
    [outcome] = await service.admission.run(coder, [work], Lane.INTERACTIVE, request_id)
    note_counts(request, [work], [outcome])
    if isinstance(outcome, ServiceError):
        raise outcome
    return _json(to_response(body, outcome, coder, request_id))


@router.post("/batch", response_model=BatchResponse, responses=_PROBLEMS, summary="Code up to 64 encounters together")
async def code_batch(
    request: Request, body: BatchRequest, coder: CoderHere, service: ServiceHere, request_id: RequestId
) -> Response:
    """One item per note, in their order: `{"index", "status", "result" | "problem"}`.

    The batch answers 200 if it could be read; a note that breaks the contract, or that the service fails on, has a
    problem of its own with its own status, and the other notes are answered. A batch is admitted whole or not at all:
    429 `overloaded`, with Retry-After. Up to 4 notes are served like single notes; more give way to single notes, which
    get four fifths of the service while both wait.
    """
    answer = await answer_batch(body.notes, coder, service, request_id)
    note_counts(request, answer.works, answer.outcomes)
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
    return Response(answer.model_dump_json(), media_type="application/json")
