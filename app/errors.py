"""Errors of the service. They become problem+json in app/api/problems.py and nowhere else.

ServiceError
 ├─ RequestError         the request cannot be answered as it stands
 │   ├─ MalformedBody    not UTF-8, not JSON, nested too deep
 │   ├─ BodyTooLarge     more bytes than the service reads
 │   ├─ UnsupportedBody  another content type or encoding than JSON
 │   ├─ InvalidField     a field breaks its limit
 │   ├─ NotLoaded        a code set, edition or calibration that this service does not hold
 │   └─ UnknownCode      no such code in the loaded edition
 ├─ NotReady             the index is still being loaded and verified, or loading failed
 └─ CodingFailed         the pipeline failed on a note

Messages are read by clients and reach logs: they name fields and limits, never what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that breaks the contract. field is a dotted path, e.g. "documents.0.text"; "body" for the whole."""

    field: str
    message: str
    limit: int | float | str | None = None


class ServiceError(Exception):
    """Anything that the service answers with a problem."""

    def __init__(self, detail: str, *fields: FieldError) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields


class RequestError(ServiceError):
    """The request cannot be answered as it stands."""


class MalformedBody(RequestError):
    """The body is not UTF-8, not JSON, or nested too deep."""


class BodyTooLarge(RequestError):
    """The body has more bytes than the service reads."""


class UnsupportedBody(RequestError):
    """The body has another content type or encoding than JSON."""


class InvalidField(RequestError):
    """One or more fields break their limits."""


class NotLoaded(RequestError):
    """A code set, edition or calibration that this service does not hold."""


class UnknownCode(RequestError):
    """No such code in the loaded edition."""


class NotReady(ServiceError):
    """The index is still being loaded and verified, or loading failed."""


class CodingFailed(ServiceError):
    """The pipeline failed on a note; the cause is logged by type and place only."""
