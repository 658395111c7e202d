"""What goes into the pipeline: a note of one or more documents, and what the caller wants to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.pipeline.reading.edited import Edited, Span

WidthsName = Literal["card", "balanced"]


@dataclass(frozen=True, slots=True)
class Document:
    """One text of an encounter.

    text:  exactly as received; while the pipeline works, the text that is read in its place
    edits: what was replaced to read it, in turn; the last one's text is `text`
    """

    text: str
    id: str | None = None
    type: str | None = None
    edits: tuple[Edited, ...] = ()

    def __repr__(self) -> str:
        return f"Document({len(self.text)} characters)"  # a repr may reach a log; the text must not

    def as_sent(self, start: int, end: int) -> tuple[int, int, str]:
        """The stretch of the text as received that text[start:end] was read from, and its characters."""
        span: Span = (start, end)
        for edited in reversed(self.edits):
            span = edited.back(*span)
        sent = self.edits[0].source if self.edits else self.text
        return *span, sent[slice(*span)]


@dataclass(frozen=True, slots=True)
class Note:
    """The documents of one encounter, coded together."""

    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    """What the rules of age and sex compare codes with; None where it is not given."""

    age_years: float | None = None
    sex: Literal["female", "male", "other", "unknown"] | None = None

    def __repr__(self) -> str:
        return "Patient()"  # a repr may reach a log


@dataclass(frozen=True, slots=True)
class CodingOptions:
    """What the caller asks for. Defaults are the contract's.

    top_k:         how many codes and candidates together, 1..200
    widths:        how many codes each search stage hands on; balanced gains more than a point over card
                   (docs/decisions/0009), so it is the default
    billable_only: leave headers out
    code_sets:     which of the loaded ones, e.g. ("icd-10-cm 2026-04",); empty = the first
    within:        code prefixes to stay inside, e.g. ("J", "E11"); empty = all
    """

    top_k: int = 20
    widths: WidthsName = "balanced"
    billable_only: bool = True
    within: tuple[str, ...] = ()
    assertion: Literal["filter", "annotate"] = "filter"
    encounter: Literal["outpatient", "inpatient"] = "outpatient"
    calibration: str = "general"
    threshold: float | None = None
    patient: Patient = Patient()
    code_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Widths:
    """Codes handed on by search64 (candidates), by rescore256 (rescored), and by rescore768 (shortlist)."""

    candidates: int
    rescored: int
    shortlist: int


def stage_widths(name: WidthsName, top_k: int) -> Widths:
    """The widths of the design's glossary; all grow with top_k so that top_k codes can be returned.

    card: 200 -> 20. balanced: 400 -> 200 -> max(100, 3 x top_k): what is cut by 768 dimensions out of more
    than is wanted agrees with exact search (docs/decisions/0020).
    """
    if name == "card":
        shortlist = max(20, top_k)
        return Widths(max(200, shortlist), shortlist, shortlist)
    shortlist = max(100, 3 * top_k)
    rescored = max(200, 3 * shortlist // 2)
    return Widths(max(400, rescored), rescored, shortlist)
