"""The port between the service and the pipeline: notes in, codings out. The pipeline implements it, tests fake it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note
from index_builder.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Versions:
    """What an answer was made with; named in every answer.

    model, index: content hashes of the artifacts
    code_set:     name and edition, e.g. "icd-10-cm 2026-04"
    calibration:  the loaded calibration, or None while scores are not calibrated
    """

    model: str
    index: str
    code_set: str
    calibration: str | None = None


class Coder(Protocol):
    """A loaded and verified pipeline."""

    @property
    def versions(self) -> Versions:
        """What answers are made with."""
        ...

    @property
    def catalog(self) -> Catalog:
        """The loaded code set."""
        ...

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        """One coding per note, in their order. Blocking; called by one thread at a time."""
        ...
