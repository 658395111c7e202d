"""What operators and probes get."""

from __future__ import annotations

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


class InfoOut(BaseModel):
    """What this service is and holds."""

    name: str
    version: str
    state: State
    versions: VersionsOut | None
    calibrated: bool
    limits: LimitsOut


ArtifactName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]


class ReloadRequest(BaseModel):
    """What to open instead of what the settings name; all fields may be left out."""

    model_config = ConfigDict(extra="forbid")

    index: ArtifactName | None = Field(
        default=None, description="Content hash of an artifact of the code set; null: its current one."
    )
    model: ArtifactName | None = Field(
        default=None, description="Name of a checkpoint folder below the setting models; null: the setting model."
    )


class ReloadOut(BaseModel):
    """What serves now, and what served before; null if nothing was loaded."""

    previous: VersionsOut | None
    versions: VersionsOut
    seconds: float
