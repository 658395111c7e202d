"""What a client gets for a note. Field by field the values of app/pipeline/coding.py."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.examples import CODE_RESPONSE
from app.api.schemas.problem import Problem
from app.pipeline.coding import Assertion


class Answered(BaseModel):
    """Read from the frozen values of the pipeline."""

    model_config = ConfigDict(from_attributes=True, hide_input_in_errors=True)


class EvidenceOut(Answered):
    """Words of the note that support a code: text[start:end] of the document, in the requested offset unit."""

    document: int = Field(description="Index into documents; 0 for text.")
    start: int
    end: int
    text: str = Field(repr=False)
    weight: float
    section: str | None
    assertion: Assertion | None


class WarningOut(Answered):
    """Something the reader should know."""

    rule: str
    message: str
    codes: list[str] = []


class AlternativeOut(Answered):
    """A neighbouring code: what the note supports almost as well, or what a warning offers instead."""

    code: str
    display: str
    score: float


class CodeOut(Answered):
    """One suggested code with its evidence."""

    code: str
    display: str
    system: str
    edition: str
    rank: int
    score: float = Field(description="Comparable across the lists of one answer; not a probability.")
    probability: float | None = Field(description="null until a calibration is loaded.")
    billable: bool
    assertion: Assertion | None
    hcc: str | None = Field(description="CMS-HCC V28 category, two by comma; null for a code without one.")
    poa_exempt: bool | None = Field(description="Exempt from present-on-admission reporting; null for headers.")
    evidence: list[EvidenceOut]
    stage_scores: dict[str, float] = Field(description="Similarity after each stage, keyed by width: 64, 256, 768.")
    alternatives: list[AlternativeOut]
    warnings: list[WarningOut]


class SuppressedOut(CodeOut):
    """A code that the note mentions and rules out."""

    reason: str | None = Field(description="negated, family or hypothetical.")


class VersionsOut(Answered):
    """What the answer was made with."""

    service: str
    model: str
    index: str
    code_set: str
    calibration: str | None


class CodeResponse(Answered):
    """The answer to one note. codes and candidates hold at most top_k together."""

    model_config = ConfigDict(json_schema_extra={"examples": [CODE_RESPONSE]})

    request_id: str
    note_id: str | None = Field(repr=False)
    codes: list[CodeOut]
    candidates: list[CodeOut] = Field(description="Below the threshold, for a person to look at.")
    suppressed: list[SuppressedOut] = Field(description="Ruled out by the note; never counted in top_k.")
    versions: VersionsOut
    timings_ms: dict[str, float]
    warnings: list[WarningOut]
    truncated: bool


class BatchItem(Answered):
    """What became of one note: `result` when status is 200, `problem` otherwise."""

    index: int = Field(description="Position of the note in the request.")
    status: int
    result: CodeResponse | None = None
    problem: Problem | None = Field(default=None, description="Field paths begin at the note.")


class BatchResponse(Answered):
    """One item per note, in the order of the request. The whole answers 200 even when notes fail."""

    request_id: str
    results: list[BatchItem]
