"""The searches that a benchmark times against each other. Each answers with the best codes of one encoded note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.evaluation.run import CONTRACT_TOP_K, WIDTHS
from app.pipeline.cascade import NEAR, SEARCH, Reach, best_members, cascade
from app.pipeline.crowding import in_crowded_order
from app.pipeline.encoding import EncodedNote
from app.pipeline.families import Families
from app.pipeline.note import WidthsName, stage_widths
from app.pipeline.stopwatch import Stopwatch
from index_builder.index import CodeHits, CodeIndex
from index_builder.matching import FORM_BLOCK
from model.encoder import Integers
from model.nested import Floats, prefix

Mask = npt.NDArray[np.bool_]
Search = Callable[[EncodedNote], Integers]  # positions in the catalog, best first, at most CONTRACT_TOP_K

EXACT = "exact 768-d"
MAPPED = "exact 768-d, memory-mapped"
COARSE = "64-d alone"
FLOAT = "cascade, balanced, float32"
CANDIDATES = stage_widths("card", CONTRACT_TOP_K).candidates  # families whose best codes exact search compares


def contenders(index: CodeIndex, families: Families, allowed: Mask | None) -> dict[str, Search]:
    """Exact search, as fast as it gets and as the oracle does it; the first stage alone; the cascades.

    The oracle reads half floats from the mapped file and normalises them at each call: a slow opponent, against which
    a ratio would flatter the cascade. The fast one has every vector ready in memory (forms x 768 x 4 bytes).
    It multiplies in float32, and so does one of the cascades, whatever the index is searched by otherwise.
    """
    over, plain = _Searches(index, families, allowed), _Searches(index.searched_by("numpy"), families, allowed)
    full = resident(index)
    searches: dict[str, Search] = {
        EXACT: lambda note: over.exact(note, full),
        MAPPED: over.mapped,
        COARSE: over.coarse,
    }
    in_float = {} if index.search_name == "numpy" else {FLOAT: plain.cascade("balanced")}
    return searches | {cascade_name(widths): over.cascade(widths) for widths in WIDTHS} | in_float


def family_heads(families: Families, positions: Integers) -> list[int]:
    """Each code's family by its first code: which of a family is answered, all searches but the first stage decide
    alike, and the first stage not at all, so it is families that are compared."""
    return [int(families.members(position, None)[0]) for position in positions.tolist()]


def cascade_name(widths: WidthsName) -> str:
    """How tables and reports name a cascade."""
    return f"cascade, {widths}"


def resident(index: CodeIndex) -> Floats:
    """All that is kept of every form in memory, (F, D) unit rows; made in blocks, with no second copy."""
    vectors = np.empty((index.catalog.form_count, index.manifest.dimensions), dtype=np.float32)
    for start in range(0, len(vectors), FORM_BLOCK):
        rows = np.arange(start, min(start + FORM_BLOCK, len(vectors)))
        vectors[rows] = index.vectors(rows)
    return vectors


@dataclass(frozen=True, slots=True)
class _Searches:
    """Each looks for one code a family, as the pipeline does; all but the first stage end with its best code."""

    index: CodeIndex
    families: Families
    allowed: Mask | None

    def exact(self, note: EncodedNote, full: Floats) -> Integers:
        queries, mask = self._full(note), self.families.representatives(self.allowed)
        return self._members(note, self.index.search_in(full, queries, NEAR * CANDIDATES, mask))

    def mapped(self, note: EncodedNote) -> Integers:
        queries, mask = self._full(note), self.families.representatives(self.allowed)
        return self._members(note, self.index.search_exact(queries, NEAR * CANDIDATES, mask))

    def coarse(self, note: EncodedNote) -> Integers:
        mask = self.families.representatives(self.allowed)
        return self.index.search(prefix(note.vectors, SEARCH), CONTRACT_TOP_K, mask).positions

    def cascade(self, name: WidthsName) -> Search:
        widths = stage_widths(name, CONTRACT_TOP_K)

        def search(note: EncodedNote) -> Integers:
            found = cascade(self.index, self.families, note, widths, Reach(self.allowed), Stopwatch())
            return found.rescore768.head(CONTRACT_TOP_K).positions

        return search

    def _full(self, note: EncodedNote) -> Floats:
        """The note's vectors as wide as the forms are kept."""
        return prefix(note.vectors, self.index.manifest.dimensions)

    def _members(self, note: EncodedNote, hits: CodeHits) -> Integers:
        chosen = in_crowded_order(hits).head(CANDIDATES)
        best, _ = best_members(self.index, self.families, note, chosen, self.allowed)
        return in_crowded_order(best).head(CONTRACT_TOP_K).positions
