"""The search stages: all codes -> candidates (64-d) -> shortlist (256-d) -> ranked (768-d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.pipeline.crowding import crowded
from app.pipeline.encoding import EncodedNote
from app.pipeline.families import Families
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
    """What each stage ranked, best first, before the next one cuts.

    search64 and rescore256 rank families by one code each; rescore768 ranks each family's best code. From rescore256
    on the scores are crowded (app/pipeline/crowding.py); `cosines` holds the last stage's before that.
    stand_ins: for each position in rescore768 the code that stood for it before
    siblings:  for each position in rescore768 the other codes of its family, best first
    """

    search64: CodeHits
    rescore256: CodeHits
    rescore768: CodeHits
    cosines: CodeHits
    stand_ins: dict[int, int]
    siblings: dict[int, CodeHits]

    def scores(self, position: int) -> dict[str, float]:
        """The code's score at each stage; position must be in the last one."""
        asked = {"64": self.stand_ins[position], "256": self.stand_ins[position], "768": position}
        stages = {"64": self.search64, "256": self.rescore256, "768": self.cosines}
        return {name: float(hits.scores[hits.positions == asked[name]][0]) for name, hits in stages.items()}


def cascade(
    index: CodeIndex, families: Families, note: EncodedNote, widths: Widths, allowed: Mask | None, clock: Clock
) -> Cascaded:
    """One note through the three stages."""
    first = index.search(prefix(note.vectors, SEARCH), widths.candidates, families.representatives(allowed))
    clock.mark("search64")
    second = crowded(_rescored(index, note, first, MIDDLE))
    clock.mark("rescore256")
    shortlist = second.top(widths.shortlist)
    chosen, siblings = best_members(index, families, note, shortlist, allowed)
    stand_ins = dict(zip(chosen.positions.tolist(), shortlist.positions.tolist(), strict=True))
    clock.mark("rescore768")
    return Cascaded(first, second, crowded(chosen), chosen, stand_ins, siblings)


def best_members(
    index: CodeIndex, families: Families, note: EncodedNote, hits: CodeHits, allowed: Mask | None
) -> tuple[CodeHits, dict[int, CodeHits]]:
    """At 768-d the best code of each hit's family, in the order of the hits, and its siblings, best first."""
    if not len(hits):
        return hits, {}
    members = [families.members(position, allowed) for position in hits.positions.tolist()]
    scored = index.rescore(prefix(note.vectors, FULL), np.concatenate(members), FULL)
    best, siblings, end = [], {}, 0
    for codes in members:
        rows = np.arange(end, end + len(codes))
        rows = rows[scored.take(rows).order()]  # of equals the first
        best.append(rows[0])
        siblings[int(scored.positions[rows[0]])] = scored.take(rows[1:])
        end += len(codes)
    return scored.take(np.asarray(best, dtype=np.int64)), siblings


def _rescored(index: CodeIndex, note: EncodedNote, hits: CodeHits, dimensions: int) -> CodeHits:
    if not len(hits):
        return hits
    rescored = index.rescore(prefix(note.vectors, dimensions), hits.positions, dimensions)
    return rescored.top(len(rescored))
