"""What operators and probes get."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api.schemas.response import VersionsOut
from app.serving.lifecycle import State


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Ready(BaseModel):
    """The index is loaded and verified."""

    status: str = "ready"


class LimitsOut(BaseModel):
    """The limits of a request."""

    body_bytes: int
    note_characters: int
    documents: int
    batch_notes: int
    top_k: int
    within_prefixes: int


class CodeSetOut(BaseModel):
    """A loaded code set in one edition; valid_from and valid_to are null where its edition does not say."""

    code_set: str
    edition: str
    system: str
    codes: int
    billable: int
    valid_from: date | None
    valid_to: date | None
    index: str
    calibration: str | None


class CrosswalkOut(BaseModel):
    """One direction of the loaded cross-walk."""

    source: str
    target: str
    edition: str
    mappings: int


class InfoOut(BaseModel):
    """What this service is and holds. versions are those of the default code set, the first of code_sets."""

    name: str
    version: str
    state: State
    versions: VersionsOut | None
    code_sets: list[CodeSetOut]
    crosswalk: list[CrosswalkOut]
    calibrated: bool
    limits: LimitsOut


ArtifactName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]


class ReloadRequest(BaseModel):
    """What to open instead of what the settings name; all fields may be left out."""

    model_config = ConfigDict(extra="forbid")

    index: ArtifactName | None = Field(
        default=None, description="Content hash of an artifact of a served code set; null: their current ones."
    )
    model: ArtifactName | None = Field(
        default=None, description="Name of a checkpoint folder below the setting models; null: the setting model."
    )


class ReloadOut(BaseModel):
    """What serves now, and what served before; null if nothing was loaded."""

    previous: VersionsOut | None
    versions: VersionsOut
    seconds: float
