"""The search stages: all codes -> candidates (64-d) -> shortlist (256-d) -> ranked (768-d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.pipeline.encoding import EncodedNote
from app.pipeline.note import Widths
from index_builder.index import CodeHits, CodeIndex
from model.nested import prefix

Mask = npt.NDArray[np.bool_]
SEARCH, MIDDLE, FULL = 64, 256, 768


class Clock(Protocol):
    """Marks the end of a stage."""

    def mark(self, stage: str) -> None:
        """The time since the last mark belongs to this stage."""
        ...


@dataclass(frozen=True, slots=True)
class Cascaded:
    """What each stage ranked, best first, before the next one cuts."""

    search64: CodeHits
    rescore256: CodeHits
    rescore768: CodeHits

    def scores(self, position: int) -> dict[str, float]:
        """The code's score at each stage; position must be in the last one."""
        stages = {"64": self.search64, "256": self.rescore256, "768": self.rescore768}
        found = {name: np.flatnonzero(hits.positions == position) for name, hits in stages.items()}
        return {name: float(stages[name].scores[where[0]]) for name, where in found.items() if len(where)}


def cascade(index: CodeIndex, note: EncodedNote, widths: Widths, allowed: Mask | None, clock: Clock) -> Cascaded:
    """One note through the three stages."""
    first = index.search(prefix(note.vectors, SEARCH), widths.candidates, allowed)
    clock.mark("search64")
    second = _rescored(index, note, first, MIDDLE)
    clock.mark("rescore256")
    third = _rescored(index, note, second.top(widths.shortlist), FULL)
    clock.mark("rescore768")
    return Cascaded(first, second, third)


def _rescored(index: CodeIndex, note: EncodedNote, hits: CodeHits, dimensions: int) -> CodeHits:
    if not len(hits):
        return hits
    rescored = index.rescore(prefix(note.vectors, dimensions), hits.positions, dimensions)
    return rescored.top(len(rescored))
