"""What comes out of the pipeline: ranked codes with the words that justify them. No HTTP here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Assertion(StrEnum):
    """What the note says about a finding."""

    PRESENT = "present"
    NEGATED = "negated"
    POSSIBLE = "possible"
    HYPOTHETICAL = "hypothetical"
    HISTORICAL = "historical"
    FAMILY = "family"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of the note that support a code. [start, end) in code points of documents[document]."""

    document: int
    start: int
    end: int
    text: str
    weight: float
    section: str | None
    assertion: Assertion | None = None


@dataclass(frozen=True, slots=True)
class Caution:
    """Something the reader should know; never a reason to drop a code silently."""

    rule: str
    message: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """A neighbouring code that the note supports almost as well."""

    code: str
    display: str
    score: float


@dataclass(frozen=True, slots=True)
class CodedItem:
    """One suggested code. score is comparable across the lists of one answer; probability is None until calibrated."""

    code: str
    display: str
    system: str
    edition: str
    rank: int
    score: float
    probability: float | None
    billable: bool
    evidence: tuple[Evidence, ...]
    stage_scores: dict[str, float]  # "64", "256", "768"
    assertion: Assertion | None = None
    hcc: str | None = None
    poa_exempt: bool | None = None
    alternatives: tuple[Alternative, ...] = ()
    warnings: tuple[Caution, ...] = ()
    reason: str | None = None  # only in Coding.suppressed


@dataclass(frozen=True, slots=True)
class Coding:
    """The answer to one note. stopped_after: the last search stage that chose its codes, None without early exits."""

    codes: tuple[CodedItem, ...]
    candidates: tuple[CodedItem, ...]
    suppressed: tuple[CodedItem, ...]
    timings_ms: dict[str, float] = field(default_factory=dict)
    warnings: tuple[Caution, ...] = ()
    truncated: bool = False
    stopped_after: str | None = None
