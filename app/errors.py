"""Errors of the service. They become problem+json in app/api/problems.py and nowhere else.

ServiceError
 ├─ RequestError         the request cannot be answered as it stands
 │   ├─ Unauthenticated  no credential, or none that is valid
 │   ├─ Forbidden        a valid credential without the scope that is needed
 │   ├─ WrongHost        the Host header names another host than this service answers to
 │   ├─ MalformedBody    not UTF-8, not JSON, nested too deep
 │   ├─ NotAcceptable    Accept names no media type that the service writes
 │   ├─ BodyTooLarge     more bytes than the service reads
 │   ├─ UnsupportedBody  another content type or encoding than JSON
 │   ├─ InvalidField     a field breaks its limit
 │   ├─ NotLoaded        a code set, edition or calibration that this service does not hold
 │   ├─ UnknownCode      no such code in the loaded edition
 │   ├─ UnknownBatch     the caller has no such batch
 │   └─ IdempotencyMismatch   an Idempotency-Key that was used for another batch
 ├─ ReloadInProgress     model and index are being opened already
 ├─ ReloadRefused        another model or index cannot serve; the old pipeline does
 ├─ UnsafeSetup          the service must not start as it is set up
 │   └─ KeysFileError    the file of keys cannot be read, or anyone could write to it
 ├─ RateLimited          the caller has used up what it may ask for in a minute
 ├─ AccessUnavailable    callers cannot be recognised or recorded now
 ├─ BacklogUnavailable   batches cannot be stored, queued or read now
 │   └─ BacklogKeyError  no master key, or not the one that a batch was stored with
 ├─ RunRefused           a backlog in files cannot be begun or resumed as it stands
 ├─ FeedbackUnavailable  feedback cannot be stored or read now
 ├─ DamagedShard         what was stored is not what is there
 ├─ NotReady             the index is still being loaded and verified, or loading failed, or the service stops
 ├─ Overloaded           more notes wait than the service takes on
 ├─ DeadlineExceeded     no answer in time
 ├─ WorkerStalled        the thread that codes notes hangs or died
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
    """Anything that the service answers with a problem. retry_after: seconds, where trying again may help."""

    retry_after: int | None = None

    def __init__(self, detail: str, *fields: FieldError, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields
        self.retry_after = self.retry_after if retry_after is None else retry_after


class RequestError(ServiceError):
    """The request cannot be answered as it stands."""


class Unauthenticated(RequestError):
    """No credential, or none that is valid. Does not say which of unknown, expired and revoked it is."""

    challenge = 'Bearer realm="icd-cascade"'

    @classmethod
    def refused(cls, detail: str) -> Unauthenticated:
        """The error for a credential that was given and is not valid."""
        error = cls(detail)
        error.challenge = f'{cls.challenge}, error="invalid_token"'
        return error


class Forbidden(RequestError):
    """A valid credential without the scope that is needed. challenge: of RFC 6750, section 3."""

    challenge = 'Bearer realm="icd-cascade", error="insufficient_scope"'

    @classmethod
    def lacking(cls, *scopes: str) -> Forbidden:
        """The error for a caller that has none of the scopes."""
        error = cls(f"This needs the scope {' or '.join(scopes)}.")
        error.challenge = f'{cls.challenge}, scope="{scopes[0]}"'
        return error


class WrongHost(RequestError):
    """The Host header names another host than this service answers to."""


class MalformedBody(RequestError):
    """The body is not UTF-8, not JSON, or nested too deep."""


class NotAcceptable(RequestError):
    """Accept names no media type that the service writes here."""


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


class UnknownBatch(RequestError):
    """The caller has no such batch; another caller may."""


class IdempotencyMismatch(RequestError):
    """The Idempotency-Key was used for a batch with another content."""


class ReloadInProgress(ServiceError):
    """Model and index are being opened already: at start, or by another reload."""

    retry_after = 5


class ReloadRefused(ServiceError):
    """Another model or index was not fit to serve; the detail gives the reason. The old pipeline serves on."""


class UnsafeSetup(ServiceError):
    """The service must not start as it is set up: it would be open, or could not tell who asks. Not seen by clients."""


class KeysFileError(UnsafeSetup):
    """The file of keys cannot be read, or anyone could write to it."""


class RateLimited(ServiceError):
    """The caller has used up what it may ask for in a minute."""

    retry_after = 1


class AccessUnavailable(ServiceError):
    """Callers cannot be recognised or recorded now: no key set of the token issuer, or no place for the audit log."""

    retry_after = 5


class BacklogUnavailable(ServiceError):
    """Batches cannot be stored, queued or read now: a disk is full, a database away, or the set-up refuses them."""

    retry_after = 30


class BacklogKeyError(BacklogUnavailable):
    """No master key is configured, or not the one that a batch was stored with, or the key file is not fit."""


class RunRefused(ServiceError):
    """A backlog in files cannot be begun, or resumed, as it stands. Not seen by clients."""


class FeedbackUnavailable(ServiceError):
    """Feedback cannot be stored or read now: a disk is full, or the file is not fit."""

    retry_after = 30


class DamagedShard(ServiceError):
    """A stored record or shard was changed, cut or lost after it had been written."""


class NotReady(ServiceError):
    """The index is still being loaded and verified, or loading failed, or the service is stopping."""

    retry_after = 5


class Overloaded(ServiceError):
    """More notes wait than the service can answer in time, or one client has too many requests open."""

    retry_after = 1


class DeadlineExceeded(ServiceError):
    """A note was not coded in the time that a request may take."""

    retry_after = 1


class WorkerStalled(ServiceError):
    """The thread that codes notes hangs or died; the process should be replaced."""

    retry_after = 5


class CodingFailed(ServiceError):
    """The pipeline failed on a note; the cause is logged by type and place only."""
