"""What suites of short texts ask of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note


class Coder(Protocol):
    """The part of the pipeline that is measured."""

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        """One coding per note."""
        ...
