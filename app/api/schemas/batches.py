"""Durable batches, in the shapes of OpenAI's Batch API."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from app.api.schemas.examples import CODE_REQUEST
from app.api.schemas.problem import Problem
from app.api.schemas.response import CodeResponse
from app.backlog.batch import Batch, BatchState
from app.backlog.limits import BYTES, CUSTOM_ID_CHARACTERS, LINE_BYTES, NOTES

NDJSON: Final = "application/x-ndjson"


class RequestCounts(BaseModel):
    """Lines of a batch. completed: answered with codes; failed: answered with a problem or an error."""

    total: int
    completed: int
    failed: int


class BatchOut(BaseModel):
    """A batch. Times are seconds since 1970."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: Literal["/v1/code"] = "/v1/code"
    status: BatchState
    created_at: int
    in_progress_at: int | None = Field(description="When its first shard began.")
    expires_at: int | None = Field(description="It expires if its first shard has not begun by then; null once it has.")
    cancelling_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelled_at: int | None
    deleted_at: int | None = Field(
        description="When notes and results will be removed; null before the batch has ended."
    )
    request_counts: RequestCounts
    damaged_shards: int = Field(description="Stored shards that were changed or lost; their lines have errors.")
    results_url: str


class BatchList(BaseModel):
    """A page of batches, the newest first."""

    object: Literal["list"] = "list"
    data: list[BatchOut]
    has_more: bool
    last_id: str | None = Field(description="Give it as `after` to get the next page.")


class BatchDeleted(BaseModel):
    """A batch that is no more."""

    id: str
    object: Literal["batch.deleted"] = "batch.deleted"
    deleted: Literal[True] = True


class LineResponse(BaseModel):
    """What POST /v1/code would have answered."""

    status_code: int
    request_id: str
    body: CodeResponse | Problem


class LineError(BaseModel):
    """Why a line has no answer."""

    code: Literal["batch_cancelled", "batch_expired", "damaged", "internal"]
    message: str


class BatchLineOut(BaseModel):
    """One line of the results. Either response or error is null."""

    index: int = Field(description="Position of the line in the upload, blank lines not counted.")
    custom_id: str | None = Field(description="null if the line had none that could be read.")
    response: LineResponse | None
    error: LineError | None


def batch_out(batch: Batch) -> BatchOut:
    """A batch as clients see it."""
    ended = None if batch.ended is None else int(batch.ended)
    return BatchOut(
        id=batch.id,
        status=batch.state,
        created_at=int(batch.created),
        in_progress_at=_seconds(batch.began),
        expires_at=int(batch.expires) if batch.began is None and batch.ended is None else None,
        cancelling_at=_seconds(batch.cancelled),
        completed_at=ended if batch.state is BatchState.COMPLETED else None,
        failed_at=ended if batch.state is BatchState.FAILED else None,
        expired_at=ended if batch.state is BatchState.EXPIRED else None,
        cancelled_at=ended if batch.state is BatchState.CANCELLED else None,
        deleted_at=_seconds(batch.kept_until),
        request_counts=RequestCounts(total=batch.total, completed=batch.completed, failed=batch.failed),
        damaged_shards=batch.damaged,
        results_url=f"/v1/batches/{batch.id}/results",
    )


def _seconds(at: float | None) -> int | None:
    return None if at is None else int(at)


LIMITS_TEXT: Final = (
    f"A batch has 1 to {NOTES:,} lines and at most {BYTES:,} bytes; a line has at most {LINE_BYTES:,} bytes."
)
# Written out: lines are read one by one in app/backlog/lines.py, so that a bad one fails alone.
_LINE: Final = {
    "type": "object",
    "title": "BatchLine",
    "description": "One note of a batch. method and url are those of OpenAI's Batch API and may be left out.",
    "required": ["custom_id", "body"],
    "additionalProperties": False,
    "properties": {
        "custom_id": {
            "type": "string",
            "minLength": 1,
            "maxLength": CUSTOM_ID_CHARACTERS,
            "description": "Yours; unique in the batch.",
        },
        "method": {"const": "POST", "default": "POST"},
        "url": {"const": "/v1/code", "default": "/v1/code"},
        "body": {"$ref": "#/components/schemas/CodeRequest"},
    },
    "examples": [{"custom_id": "note-1", "body": CODE_REQUEST}],
}
_UPLOAD: Final = {
    "type": "object",
    "title": "BatchUpload",
    "required": ["requests"],
    "additionalProperties": False,
    "properties": {"requests": {"type": "array", "minItems": 1, "maxItems": NOTES, "items": _LINE}},
}
UPLOAD_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _UPLOAD}, NDJSON: {"schema": _LINE}},
    }
}
