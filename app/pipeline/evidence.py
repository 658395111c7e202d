"""The words that justify a code: in each clause that supports it, the run of words nearest to its best wording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.pipeline.coding import Evidence
from app.pipeline.encoding import EncodedNote
from app.pipeline.spans import Clause
from app.pipeline.words import Run, WordReader
from model.nested import Floats

CLOSE = 0.04  # another clause supports a code as well when its cosine comes this near to the best one's
FAR = 0.35  # a clause further away than this says something else
LOOKED_AT = 12  # clauses that are looked at for more evidence of one code
MOST = 5  # evidence spans of one code


class EvidenceFinder:
    """Finds the evidence of one note's codes."""

    def __init__(self, note: EncodedNote, reader: WordReader) -> None:
        self._note = note
        self._reader = reader

    def find(self, form: Floats, best: int) -> tuple[Evidence, ...]:
        """Evidence for the wording `form` (768,), whose best query is `best`. Never empty, heaviest first.

        Of several clauses that support the code about as well, each is named, and a clause that the note repeats
        is named wherever it stands.
        """
        cosines = self._note.vectors @ form
        queries = [q for q in np.argsort(-cosines, kind="stable").tolist() if cosines[q] >= cosines[best] - CLOSE]
        found: dict[tuple[int, int, int], Evidence] = {}
        for query in dict.fromkeys([best, *queries]):
            run = self._reader.nearest(form, query)
            for clause in self._note.uses[query]:
                evidence = self._evidence(clause, run)
                found.setdefault((evidence.document, evidence.start, evidence.end), evidence)
        return _without_overlaps(list(found.values()))

    def elsewhere(self, form: Floats, best: int, found: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """Where else the note has words as near to the wording as those found, in clauses that say more besides.

        "Denies fever today. Fever of 39.2 yesterday": the number takes the second clause further from "fever", its
        word is as near.
        """
        cosines = self._note.vectors @ form
        near = [
            q for q in np.argsort(-cosines, kind="stable").tolist()[:LOOKED_AT] if cosines[q] >= cosines[best] - FAR
        ]
        least = max(one.weight for one in found) - CLOSE
        more: list[Evidence] = []
        for query in near:
            run = self._reader.nearest(form, query)
            if run.cosine >= least:
                more += [self._evidence(clause, run) for clause in self._note.uses[query]]
        known = [*found, *more]
        return tuple(one for one in _without_overlaps(known, 2 * MOST) if one not in found)

    def _evidence(self, clause: Clause, run: Run) -> Evidence:
        note = self._note.segmented
        text = note.text_of(clause)[run.start : run.end]
        section, weight = note.section_of(clause).label, round(run.cosine, 4)
        return Evidence(clause.document, clause.start + run.start, clause.start + run.end, text, weight, section)


def _without_overlaps(evidence: Sequence[Evidence], most: int = MOST) -> tuple[Evidence, ...]:
    """The `most` heaviest, heaviest first; a span that overlaps a heavier one is left out."""
    kept: list[Evidence] = []
    for one in sorted(evidence, key=lambda e: (-e.weight, e.document, e.start, e.end)):
        if not any(o.document == one.document and o.start < one.end and one.start < o.end for o in kept):
            kept.append(one)
            if len(kept) == most:  # a note of ten thousand equal clauses is not compared pair by pair
                break
    return tuple(kept)
