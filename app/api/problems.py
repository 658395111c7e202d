"""The one place where errors become RFC 9457 problem+json."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, NamedTuple

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from app.api.schemas.problem import PROBLEM_JSON, FieldProblem, Problem
from app.api.violations import describe
from app.errors import (
    AccessUnavailable,
    BacklogKeyError,
    BacklogUnavailable,
    BodyTooLarge,
    CodingFailed,
    DamagedShard,
    DeadlineExceeded,
    FeedbackUnavailable,
    Forbidden,
    IdempotencyMismatch,
    InvalidField,
    MalformedBody,
    NotAcceptable,
    NotLoaded,
    NotReady,
    Overloaded,
    RateLimited,
    ReloadInProgress,
    ReloadRefused,
    ServiceError,
    Unauthenticated,
    UnknownBatch,
    UnknownCode,
    UnsupportedBody,
    WorkerStalled,
    WrongHost,
)


class Kind(NamedTuple):
    """What all problems of one type share."""

    status: int
    slug: str
    title: str


_KINDS: Final[dict[type[ServiceError], Kind]] = {
    MalformedBody: Kind(400, "malformed-body", "The body cannot be read"),
    Unauthenticated: Kind(401, "unauthenticated", "A valid credential is needed"),
    Forbidden: Kind(403, "forbidden", "The credential does not allow this"),
    UnknownCode: Kind(404, "unknown-code", "No such code"),
    UnknownBatch: Kind(404, "unknown-batch", "No such batch"),
    NotAcceptable: Kind(406, "not-acceptable", "No media type that is accepted"),
    ReloadInProgress: Kind(409, "reload-in-progress", "Model and index are being opened already"),
    BodyTooLarge: Kind(413, "body-too-large", "The body is too large"),
    UnsupportedBody: Kind(415, "unsupported-body", "The body is not application/json"),
    WrongHost: Kind(421, "wrong-host", "This service answers to another name"),
    InvalidField: Kind(422, "invalid-field", "A field breaks its limit"),
    IdempotencyMismatch: Kind(422, "idempotency-mismatch", "The Idempotency-Key stands for another content"),
    NotLoaded: Kind(422, "not-loaded", "The service does not hold what was asked for"),
    ReloadRefused: Kind(422, "reload-refused", "The old model and index serve on"),
    Overloaded: Kind(429, "overloaded", "The service is busy"),
    RateLimited: Kind(429, "rate-limited", "The caller asks for too much at once"),
    CodingFailed: Kind(500, "coding-failed", "The service failed on this note"),
    DamagedShard: Kind(500, "damaged-batch", "The stored batch was damaged"),
    BacklogUnavailable: Kind(503, "backlog-unavailable", "Batches cannot be stored or read now"),
    BacklogKeyError: Kind(503, "backlog-key", "Batches cannot be encrypted or decrypted as the service is set up"),
    FeedbackUnavailable: Kind(503, "feedback-unavailable", "Feedback cannot be stored or read now"),
    NotReady: Kind(503, "not-ready", "The service is not ready"),
    AccessUnavailable: Kind(503, "access-unavailable", "Callers cannot be recognised or recorded now"),
    DeadlineExceeded: Kind(503, "deadline-exceeded", "No answer in time"),
    WorkerStalled: Kind(503, "worker-stalled", "The service hangs"),
}
_HTTP: Final = {
    400: (Kind(400, "malformed-body", "The body cannot be read"), "The body is not valid JSON."),
    404: (Kind(404, "no-such-path", "No such path"), "The service has no resource here; see /openapi.json."),
    405: (Kind(405, "no-such-method", "No such method"), "The resource does not take this method; see Allow."),
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "minimum": 1}}
}
_CHALLENGE: Final = {
    "WWW-Authenticate": {"description": "What is asked for, as in RFC 6750.", "schema": {"type": "string"}}
}
_HEADERS: Final = {401: _CHALLENGE, 403: _CHALLENGE, 429: _RETRY_AFTER, 503: _RETRY_AFTER}
_INTERNAL: Final = Kind(500, "internal", "The service failed")
_INTERNAL_DETAIL: Final = "An unexpected error. The request id finds its type and place in the service's log."


def problem_of(error: Exception, request_id: str) -> Problem:
    """The problem that answers an error. Errors that are not the service's own say nothing but 500."""
    if isinstance(error, RequestValidationError):
        error = describe(error.errors())
    if isinstance(error, ServiceError) and type(error) in _KINDS:
        fields = [FieldProblem(field=f.field, message=f.message, limit=f.limit) for f in error.fields]
        problem = _problem(_KINDS[type(error)], error.detail, request_id, fields)
        return problem.model_copy(update={"retry_after": error.retry_after})
    if isinstance(error, HTTPException):
        kind, detail = _HTTP.get(error.status_code, _unlisted(error.status_code))
        return _problem(kind, detail, request_id)
    return _problem(_INTERNAL, _INTERNAL_DETAIL, request_id)


def problem_response(error: Exception, request_id: str) -> Response:
    """The HTTP answer to an error."""
    problem = problem_of(error, request_id)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if isinstance(error, Unauthenticated | Forbidden):
        headers["WWW-Authenticate"] = error.challenge
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    content = problem.model_dump_json(exclude_none=True)
    return Response(content, problem.status, headers, media_type=PROBLEM_JSON)


async def answer_error(request: Request, error: Exception) -> Response:
    """Exception handler for what FastAPI and Starlette raise themselves."""
    return problem_response(error, request.state.request_id)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for problems. The schema stands in the components because BatchItem holds it too."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: _documented(status, content) for status in sorted(statuses)}


def _documented(status: int, content: dict[str, Any]) -> dict[str, Any]:
    response = {"description": HTTPStatus(status).phrase, "content": content}
    return response | {"headers": _HEADERS[status]} if status in _HEADERS else response


def _problem(kind: Kind, detail: str, request_id: str, fields: list[FieldProblem] | None = None) -> Problem:
    return Problem(
        type=f"urn:icd-cascade:problem:{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=request_id,
        errors=fields or [],
    )


def _unlisted(status: int) -> tuple[Kind, str]:
    phrase = HTTPStatus(status).phrase
    return Kind(status, phrase.lower().replace(" ", "-"), phrase), f"{phrase}."
