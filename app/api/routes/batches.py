"""/v1/batches: notes that are taken now, kept encrypted, and coded when the device is free."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.datastructures import Headers

from app.access.scopes import Scope
from app.api.body import check_body, check_headers, read_body
from app.api.problems import documented
from app.api.schemas.batches import (
    LIMITS_TEXT,
    NDJSON,
    UPLOAD_BODY,
    BatchDeleted,
    BatchLineOut,
    BatchList,
    BatchOut,
    batch_out,
)
from app.api.security import CallerHere, require_scope
from app.backlog.backlog import Backlog
from app.backlog.batch import is_batch_id
from app.backlog.limits import BYTES
from app.errors import BodyTooLarge, FieldError, InvalidField, MalformedBody, UnknownBatch, UnsupportedBody

router = APIRouter(prefix="/v1/batches", tags=["batches"], dependencies=[require_scope(Scope.BATCH)])
_KEY_CHARACTERS: Final = 255
_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"headers": {"Location": {"description": "Where the batch is.", "schema": {"type": "string"}}}}
}
_UNKNOWN: Final = documented(401, 403, 404, 422, 500, 503)


class NdjsonResponse(StreamingResponse):
    """One JSON object per line."""

    media_type = NDJSON


def backlog_of(request: Request) -> Backlog:
    """The backlog that create_app assembled."""
    backlog: Backlog = request.app.state.backlog
    return backlog


def batch_id_of(batch_id: str) -> str:
    """The id in the path; raises UnknownBatch for what can be none."""
    if not is_batch_id(batch_id):
        raise UnknownBatch("There is no such batch.")
    return batch_id


BacklogHere = Annotated[Backlog, Depends(backlog_of)]
BatchId = Annotated[str, Depends(batch_id_of)]


@router.post(
    "",
    status_code=202,
    response_model=BatchOut,
    responses=documented(400, 401, 403, 413, 415, 422, 429, 500, 503) | _ACCEPTED,
    openapi_extra=UPLOAD_BODY,
    summary="Submit a durable batch",
    description=f"""Takes notes to be coded later, as `application/x-ndjson`, one `{{"custom_id", "body"}}` per line, or
as JSON (`{{"requests": [...]}}`, up to the size of any JSON body). {LIMITS_TEXT}
A line that cannot be read, or breaks the contract of `/v1/code`, has an error of its own in the results; a `custom_id`
that comes twice refuses the upload.

Notes and results are encrypted as they arrive and survive restarts. A batch belongs to the caller that made it. It
expires if it has not begun within 24 hours; results are kept for 7 days after its end, unless it is deleted before
(both are defaults of the operator).

With `Idempotency-Key`, the same content under the same key is the same batch for as long as that exists; another
content under the same key is refused with 422 `idempotency-mismatch`.""",
)
async def submit(
    request: Request,
    backlog: BacklogHere,
    caller: CallerHere,
    idempotency_key: Annotated[
        str | None, Header(description=f"1 to {_KEY_CHARACTERS} characters of your own.")
    ] = None,
) -> Response:
    """Store an upload as it streams in."""
    _check_key(idempotency_key)
    batch = await backlog.submit(caller.id, idempotency_key, _chunks(request))
    request.state.counts |= {"notes": batch.total}
    location = {"Location": f"/v1/batches/{batch.id}"}
    return JSONResponse(batch_out(batch).model_dump(), status_code=202, headers=location)


@router.get("", responses=documented(401, 403, 422, 500, 503), summary="List batches")
async def listing(
    backlog: BacklogHere,
    caller: CallerHere,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(description="`last_id` of the page before.")] = None,
) -> BatchList:
    """Batches of the caller, the newest first."""
    batches, has_more = await backlog.listing(caller.id, limit, after)
    return BatchList(
        data=[batch_out(batch) for batch in batches], has_more=has_more, last_id=batches[-1].id if batches else None
    )


@router.get("/{batch_id}", responses=_UNKNOWN, summary="State and counts of a batch")
async def show(batch_id: BatchId, backlog: BacklogHere, caller: CallerHere) -> BatchOut:
    """States and counts as in OpenAI's Batch API. Batches of other callers are not found."""
    return batch_out(await backlog.show(caller.id, batch_id))


@router.get(
    "/{batch_id}/results",
    response_class=NdjsonResponse,
    response_model=BatchLineOut,
    responses=_UNKNOWN,
    summary="Results of a batch",
)
async def results(batch_id: BatchId, backlog: BacklogHere, caller: CallerHere) -> Response:
    """One line per answered line of the upload, in the order of the upload; `custom_id` says which.

    Readable while the batch runs: what is answered so far. Once it has ended there is a line for every line of the
    upload; those that were not answered have `error`: `batch_cancelled`, `batch_expired`, `damaged` or `internal`.
    """
    return NdjsonResponse(await backlog.results(caller.id, batch_id))


@router.post("/{batch_id}/cancel", responses=_UNKNOWN, summary="Cancel a batch")
async def cancel(batch_id: BatchId, backlog: BacklogHere, caller: CallerHere) -> BatchOut:
    """Lines that are not answered yet will not be; answers are kept. A batch that has ended stays as it is."""
    return batch_out(await backlog.cancel(caller.id, batch_id))


@router.delete("/{batch_id}", responses=_UNKNOWN, summary="Delete a batch")
async def delete(batch_id: BatchId, backlog: BacklogHere, caller: CallerHere) -> BatchDeleted:
    """Removes notes and results at once, whatever the state."""
    await backlog.delete(caller.id, batch_id)
    return BatchDeleted(id=batch_id)


def _check_key(key: str | None) -> None:
    if key is not None and not 0 < len(key) <= _KEY_CHARACTERS:
        message = f"Must have 1 to {_KEY_CHARACTERS} characters."
        raise InvalidField("1 field breaks the contract.", FieldError("Idempotency-Key", message, _KEY_CHARACTERS))


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The upload as ndjson. Raises RequestErrors; for JSON those of /v1/code."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == NDJSON:
        _check_ndjson(request.headers)
        async for chunk in request.stream():
            yield chunk
        return
    if kind != "application/json":
        raise UnsupportedBody(f"Send the batch as {NDJSON} or as application/json, in UTF-8.")
    check_headers(request.headers)
    body = await read_body(request.receive)
    check_body(body)
    for entry in _requests_in(body):
        yield json.dumps(entry).encode() + b"\n"


def _check_ndjson(headers: Headers) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBody("Send the body without a content encoding.")
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > BYTES:
        message = f"A batch may have at most {BYTES:,} bytes."
        raise BodyTooLarge(message, FieldError("body", message, BYTES))


def _requests_in(body: bytes) -> list[object]:
    try:
        values = json.loads(body)
    except ValueError:
        raise MalformedBody("The body is not valid JSON.") from None
    if isinstance(values, dict) and values.keys() == {"requests"} and isinstance(values["requests"], list):
        return list(values["requests"])
    message = "Must be the only field, a list."
    raise InvalidField("1 field breaks the contract.", FieldError("requests", message))
