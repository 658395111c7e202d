"""What operators and probes get."""

from __future__ import annotations

from pydantic import BaseModel

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
