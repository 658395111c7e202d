"""What a reviewer sends back."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.api.limits import DOCUMENTS, NOTE_CHARACTERS
from app.api.schemas.request import Received
from app.api.schemas.text import Label, violation
from app.feedback.review import Decided, Decision, OffsetUnit, Place, Review, Versions

DECISIONS: Final = 500
PLACES: Final = 50
_UTF16: Final = 2 * NOTE_CHARACTERS  # offsets may count UTF-16 code units
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:+_-]{0,127}")
_EXAMPLE: Final[dict[str, Any]] = {
    "request_id": "3f0d2c1e-7b4a-4c57-9a53-6a1de3b0c9aa",
    "note_id": "visit-17",
    "versions": {
        "service": "0.1.0",
        "model": "5c1f0e8a",
        "index": "9d27b3c4",
        "code_set": "icd-10-cm 2026-04",
        "calibration": None,
    },
    "decisions": [
        {"code": "M10.062", "decision": "accepted", "evidence": [{"document": 0, "start": 12, "end": 44}]},
        {"code": "M25.562", "decision": "rejected"},
    ],
}


def _request_id(value: str) -> str:
    if not _REQUEST_ID.fullmatch(value):
        raise violation("Must be the request_id of an answer.")
    return value


def _version(value: str) -> str:
    if not _VERSION.fullmatch(value):
        raise violation("Must be a version as an answer names it.", 128)
    return value


Version = Annotated[str, AfterValidator(_version)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.]*$", max_length=16)]


class PlaceIn(Received):
    """Words of evidence: [start, end) of a document. Not the words themselves."""

    document: int = Field(default=0, ge=0, le=DOCUMENTS - 1)
    start: int = Field(ge=0, le=_UTF16)
    end: int = Field(ge=1, le=_UTF16)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.start >= self.end:
            raise violation("Must be greater than start.", field="end")
        return self


class DecidedIn(Received):
    """A code and what became of it; added: it had not been suggested."""

    code: Code
    decision: Literal["accepted", "rejected", "added"]
    evidence: list[PlaceIn] = Field(default=[], max_length=PLACES, description="The best first.")


class VersionsIn(Received):
    """`versions` of the answer, as it was."""

    service: Version
    model: Version
    index: Version
    code_set: Version
    calibration: Version | None = None


class FeedbackIn(Received):
    """The review of one answer. Sent again under the same request_id it replaces the earlier one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    request_id: Annotated[str, AfterValidator(_request_id)]
    note_id: Label | None = Field(
        default=None, repr=False, description="Yours; names the note for `icd-cascade feedback export`. Stored."
    )
    versions: VersionsIn
    offset_unit: Literal["codepoint", "utf16"] = "codepoint"
    decisions: list[DecidedIn] = Field(max_length=DECISIONS, description="None: takes an earlier review back.")

    @model_validator(mode="after")
    def _each_code_once(self) -> Self:
        if len({one.code.upper() for one in self.decisions}) < len(self.decisions):
            raise violation("Must name each code once.", field="decisions")
        return self

    def review(self) -> Review:
        """The value that is stored."""
        return Review(
            request_id=self.request_id,
            note_id=self.note_id,
            offset_unit=OffsetUnit(self.offset_unit),
            versions=Versions(**self.versions.model_dump()),
            decisions=tuple(
                Decided(
                    one.code.upper(),
                    Decision(one.decision),
                    tuple(Place(place.document, place.start, place.end) for place in one.evidence),
                )
                for one in self.decisions
            ),
        )


class FeedbackOut(BaseModel):
    """What was stored."""

    request_id: str
    accepted: int
    rejected: int
    added: int
