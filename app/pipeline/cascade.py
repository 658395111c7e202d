"""The search stages: all codes -> candidates (64-d) -> rescored (256-d) -> shortlist, ranked (768-d)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.pipeline.crowding import in_crowded_order
from app.pipeline.encoding import EncodedNote
from app.pipeline.exits import Exits
from app.pipeline.families import Families
from app.pipeline.naming import NO_NAMES, Names
from app.pipeline.note import Widths
from index_builder.index import CodeHits, CodeIndex
from model.encoder import Integers
from model.nested import Floats, prefix
from model.retrieval.early_exit import EarlyExit

Mask = npt.NDArray[np.bool_]
SEARCH, MIDDLE, FULL = 64, 256, 768  # the last two at most: an index may keep fewer dimensions, and so do its notes
STAGE_OF = {SEARCH: "search64", MIDDLE: "rescore256", FULL: "rescore768"}
SAID = 0.02  # of cosine; on practice notes 50 of 57 7th characters are right, without it 47
NEAR = 5  # codes looked at for each one handed on: the nearest are many wordings of few mentions


class Clock(Protocol):
    """Marks the end of a stage."""

    def mark(self, stage: str) -> None:
        """The time since the last mark belongs to this stage."""
        ...


@dataclass(frozen=True, slots=True)
class Cascaded:
    """What each stage ranked, best first, before the next one cuts. All scores are cosines.

    search64 and rescore256 rank families by one code each; rescore768 ranks each family's best code. The order of
    search64 counts the codes' bias, that of the others their crowding too (app/pipeline/crowding.py).
    stand_ins: for each position in rescore768 the code that stood for it before
    siblings:  for each position in rescore768 the other codes of its family, best first
    names:     what the note names word for word
    stopped:   dimensions of the last stage that chose among the codes; margins: those that were looked at to stop there
    """

    search64: CodeHits
    rescore256: CodeHits
    rescore768: CodeHits
    stand_ins: dict[int, int]
    siblings: dict[int, CodeHits]
    names: Names
    stopped: int = FULL
    margins: Mapping[int, float] = field(default_factory=dict)

    def scores(self, position: int) -> dict[str, float]:
        """The code's cosine at each stage; position must be in the last one."""
        asked = {"64": self.stand_ins[position], "256": self.stand_ins[position], "768": position}
        stages = {"64": self.search64, "256": self.rescore256, "768": self.rescore768}
        return {name: float(hits.scores[hits.positions == asked[name]][0]) for name, hits in stages.items()}


@dataclass(frozen=True, slots=True)
class Reach:
    """Which codes may be found, and what is known of them before the note is read.

    allowed: (C,) bool, None = all; bias: (C,) what is added to a code's cosine when codes are chosen, None = nothing
    names: what the note names word for word, which is in the bias
    """

    allowed: Mask | None = None
    bias: Floats | None = None
    names: Names = NO_NAMES

    def of(self, hits: CodeHits) -> Floats | None:
        """The bias of these hits."""
        return None if self.bias is None else self.bias[hits.positions]


def cascade(
    index: CodeIndex,
    families: Families,
    note: EncodedNote,
    widths: Widths,
    reach: Reach,
    clock: Clock,
    rule: EarlyExit | None = None,
) -> Cascaded:
    """One note through the three stages. With a rule, fewer codes go on after the first stage whose margin is clear."""
    standing, exits = families.representatives(reach.allowed), Exits(rule)
    near = index.search(prefix(note.vectors, SEARCH), NEAR * widths.candidates, standing, reach.bias)
    first = in_crowded_order(near, reach.of(near)).head(widths.candidates)
    few = exits.after(SEARCH, near, reach.of(near))
    clock.mark("search64")
    entering = first if few is None else first.head(few)
    second = in_crowded_order(_rescored(index, note, entering, MIDDLE), reach.of(entering))
    few = exits.after(MIDDLE, second, reach.of(second)) if few is None else few
    clock.mark("rescore256")
    kept, known = second.head(widths.rescored if few is None else few), None
    if few is None and widths.rescored > widths.shortlist:
        known = _rescored(index, note, kept, FULL)
        kept = in_crowded_order(known, reach.of(kept)).head(widths.shortlist)
    found = shortlisted(index, families, note, (first, second), kept, reach, clock, known)
    return replace(found, stopped=exits.stopped or FULL, margins=exits.margins)


def exhaustive(
    index: CodeIndex, families: Families, note: EncodedNote, widths: Widths, reach: Reach, clock: Clock
) -> Cascaded:
    """The oracle: the shortlist of the cascade, chosen by exact search at full width instead of by the stages."""
    standing = families.representatives(reach.allowed)
    found = index.search_exact(_upto(note, FULL), NEAR * widths.candidates, standing, reach.bias)
    found = in_crowded_order(found, reach.of(found)).head(widths.shortlist)
    stages = _rescored(index, note, found, SEARCH), _rescored(index, note, found, MIDDLE)
    return shortlisted(index, families, note, stages, found, reach, clock)


def shortlisted(
    index: CodeIndex,
    families: Families,
    note: EncodedNote,
    stages: tuple[CodeHits, CodeHits],
    shortlist: CodeHits,
    reach: Reach,
    clock: Clock,
    known: CodeHits | None = None,
) -> Cascaded:
    """The last search stage: of each family in the shortlist its best code. known: codes rescored at full width."""
    chosen, siblings = best_members(index, families, note, shortlist, reach.allowed, known)
    stand_ins = dict(zip(chosen.positions.tolist(), shortlist.positions.tolist(), strict=True))
    clock.mark("rescore768")
    return Cascaded(*stages, in_crowded_order(chosen, reach.of(chosen)), stand_ins, siblings, reach.names)


def best_members(
    index: CodeIndex,
    families: Families,
    note: EncodedNote,
    hits: CodeHits,
    allowed: Mask | None,
    known: CodeHits | None = None,
) -> tuple[CodeHits, dict[int, CodeHits]]:
    """At 768-d the best code of each hit's family, in the order of the hits, and its siblings, best first.

    A family's first code (initial encounter, stage or fetus unspecified) is what a note means that says nothing of the
    7th character: another one must be nearer by SAID. known: codes that are rescored at full width already.
    """
    if not len(hits):
        return hits, {}
    members = [families.members(position, allowed) for position in hits.positions.tolist()]
    scored = _completed(index, note, np.concatenate(members), known)
    best, siblings, end = [], {}, 0
    for codes in members:
        rows = np.arange(end, end + len(codes))
        first = int(rows[0])
        rows = rows[scored.take(rows).order()]  # of equals the first
        if scored.scores[rows[0]] < scored.scores[first] + SAID:
            rows = np.concatenate([[first], rows[rows != first]])
        best.append(rows[0])
        siblings[int(scored.positions[rows[0]])] = scored.take(rows[1:])
        end += len(codes)
    return scored.take(np.asarray(best, dtype=np.int64)), siblings


def _completed(index: CodeIndex, note: EncodedNote, positions: Integers, known: CodeHits | None) -> CodeHits:
    """These codes at full width, in the order given; those that are known are not looked at again."""
    if known is None:
        return rescored(index, note, positions, FULL)
    new = np.setdiff1d(positions, known.positions)
    both = known if len(new) == 0 else known.joined(rescored(index, note, new, FULL))
    order = np.argsort(both.positions)
    return both.take(np.asarray(order[np.searchsorted(both.positions, positions, sorter=order)], dtype=np.int64))


def rescored(index: CodeIndex, note: EncodedNote, positions: Integers, dimensions: int) -> CodeHits:
    """These codes by a prefix, or by all that the index keeps where that is less; in the order given."""
    queries = _upto(note, dimensions)
    return index.rescore(queries, positions, queries.shape[1])


def _rescored(index: CodeIndex, note: EncodedNote, hits: CodeHits, dimensions: int) -> CodeHits:
    return rescored(index, note, hits.positions, dimensions) if len(hits) else hits


def _upto(note: EncodedNote, dimensions: int) -> Floats:
    """The prefix of the note's vectors, or all of them where they are narrower."""
    return prefix(note.vectors, min(dimensions, note.vectors.shape[1]))
