"""The values of feedback: the review of one answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Decision(StrEnum):
    """What a reviewer did with a code; ADDED: it was not suggested."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ADDED = "added"


class OffsetUnit(StrEnum):
    """What offsets count."""

    CODEPOINT = "codepoint"
    UTF16 = "utf16"


@dataclass(frozen=True, slots=True)
class Place:
    """Where words of evidence are: [start, end) of a document, in the unit of the review."""

    document: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Decided:
    """One code and the decision on it."""

    code: str
    decision: Decision
    evidence: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Versions:
    """What the answer under review was made with."""

    service: str
    model: str
    index: str
    code_set: str
    calibration: str | None


@dataclass(frozen=True, slots=True)
class Review:
    """The decisions on one answer. note_id: the operator's own name of the note, for the export."""

    request_id: str
    note_id: str | None = field(repr=False)
    offset_unit: OffsetUnit
    versions: Versions
    decisions: tuple[Decided, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one decision was taken on a code that an index and a calibration had suggested, or not."""

    code: str
    index: str
    calibration: str | None
    decision: Decision
    count: int
