"""The values of the backlog: which batch, which shard, in what state. Ids and numbers only, no text."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import Final

_ID: Final = re.compile(r"batch_[0-9a-f]{32}")
_NAMED: Final = re.compile(r"([0-9a-f]{32})\.(batch_[0-9a-f]{32})\.([0-9a-f]{16})")


class BatchState(StrEnum):
    """The states of OpenAI's Batch API, with its meanings.

    VALIDATING:  uploaded, its shards are being queued
    IN_PROGRESS: its shards wait or are being coded
    FINALIZING:  every line has an answer, the results are being verified
    COMPLETED:   every line has an answer; some answers may be problems
    FAILED:      stored shards were damaged: their lines have errors, the others have answers
    EXPIRED:     it did not begin in time
    CANCELLING:  lines that were not answered yet will not be
    CANCELLED:   what had been answered is kept
    """

    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """What the sweep has to do for a batch: drop a dead upload, see it through, let it expire, bury it."""

    UPLOADING = "uploading"
    OPEN = "open"
    ENDED = "ended"
    DOOMED = "doomed"


def owner_of(caller_id: str) -> str:
    """A caller's folder: 32 hexadecimal digits, the same on every replica."""
    return hashlib.sha256(caller_id.encode()).hexdigest()[:32]


def is_batch_id(text: str) -> bool:
    """Whether a client's word can be the id of a batch."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class BatchKey:
    """One upload of one batch of one owner. upload sets two uploads under the same Idempotency-Key apart."""

    owner: str
    batch: str
    upload: str = field(default_factory=lambda: secrets.token_hex(8))

    def __str__(self) -> str:
        return f"{self.owner}.{self.batch}.{self.upload}"

    @classmethod
    def parse(cls, text: str) -> BatchKey:
        """What str() wrote. Raises ValueError."""
        match = _NAMED.fullmatch(text)
        if match is None:
            raise ValueError("not the key of a batch")
        return cls(*match.groups())


@dataclass(frozen=True, slots=True)
class Job:
    """One shard to code: what the queue holds."""

    key: BatchKey
    shard: int

    @property
    def id(self) -> str:
        """Names the job in the queue; the same job has the same id."""
        return f"{self.key.upload}.{self.shard}"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key, sealed by the master key with this id."""

    master: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """What was uploaded. The data key is bound to all of it, so that a changed record opens nothing.

    created: seconds since 1970; shards: lines of each; tokens: estimated, of each; digest: keyed hash of the upload
    """

    key: BatchKey
    created: float
    shards: tuple[int, ...]
    tokens: tuple[int, ...]
    digest: str
    wrapped: Wrapped

    @property
    def lines(self) -> int:
        """Lines of the whole batch."""
        return sum(self.shards)

    @property
    def firsts(self) -> list[int]:
        """Index of the first line of each shard."""
        return [0, *accumulate(self.shards)][:-1]

    @property
    def bound(self) -> bytes:
        """What the data key is bound to."""
        return bound(self.key, self.created, self.shards, self.digest)

    def encode(self) -> bytes:
        """As it is stored."""
        values = {
            "version": 1,
            "key": str(self.key),
            "created": self.created,
            "shards": self.shards,
            "tokens": self.tokens,
            "digest": self.digest,
            "master": self.wrapped.master,
            "sealed": self.wrapped.sealed.hex(),
        }
        return json.dumps(values).encode()

    @classmethod
    def decode(cls, content: bytes) -> Record:
        """What encode wrote. Raises ValueError or KeyError for anything else."""
        values = json.loads(content)
        wrapped = Wrapped(values["master"], bytes.fromhex(values["sealed"]))
        shards, tokens = tuple(values["shards"]), tuple(values["tokens"])
        return cls(BatchKey.parse(values["key"]), values["created"], shards, tokens, values["digest"], wrapped)


def bound(key: BatchKey, created: float, shards: tuple[int, ...], digest: str) -> bytes:
    """Additional authenticated data of a data key."""
    return json.dumps([str(key), created, shards, digest]).encode()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a batch ended. completed, failed: lines; damaged: shards that could not be read."""

    state: BatchState
    at: float
    completed: int
    failed: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What a client sees of a batch. Times are seconds since 1970; None: not, or not yet."""

    id: str
    state: BatchState
    created: float
    total: int
    completed: int
    failed: int
    damaged: int
    expires: float
    began: float | None = None
    cancelled: float | None = None
    ended: float | None = None
    kept_until: float | None = None
