"""The words that justify a code: of its best clauses, the run of words nearest to the code's best wording."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from app.pipeline.coding import Evidence
from app.pipeline.encoding import EncodedNote
from app.pipeline.spans import Clause
from model.encoder import Encoder, Integers
from model.nested import Floats, normalise

CLOSE = 0.04  # another clause supports a code as well when its cosine comes this near to the best one's
MOST = 5  # evidence spans of one code
_WORD = re.compile(r"\S+")
_EDGE = "\"'“”‘’.,;:!?()[]{}<>*•·-–—/\\|=+~_#"


class EvidenceFinder:
    """Finds the evidence of one note's codes; the token vectors of a clause are projected once."""

    def __init__(self, encoder: Encoder, note: EncodedNote) -> None:
        self._encoder = encoder
        self._note = note
        self._words: dict[int, _Words] = {}

    def find(self, form: Floats, best: int) -> tuple[Evidence, ...]:
        """Evidence for the wording `form` (768,), whose best query is `best`. Never empty, heaviest first.

        Of several clauses that support the code about as well, each is named, and a clause that the note repeats
        is named wherever it stands.
        """
        cosines = self._note.vectors @ form
        queries = [q for q in np.argsort(-cosines, kind="stable").tolist() if cosines[q] >= cosines[best] - CLOSE]
        found: dict[tuple[int, int, int], Evidence] = {}
        for query in dict.fromkeys([best, *queries]):
            start, end = self._words_of(query).nearest(form)
            for clause in self._note.uses[query]:
                evidence = self._evidence(clause, start, end, float(cosines[query]))
                found.setdefault((evidence.document, evidence.start, evidence.end), evidence)
        return _without_overlaps(list(found.values()))[:MOST]

    def _words_of(self, query: int) -> _Words:
        if query not in self._words:
            clause = self._note.uses[query][0]
            states, offsets = self._note.tokens(query)
            text = self._note.segmented.text_of(clause)
            self._words[query] = _Words(text, self._encoder.project(states), offsets)
        return self._words[query]

    def _evidence(self, clause: Clause, start: int, end: int, weight: float) -> Evidence:
        note = self._note.segmented
        text = note.text_of(clause)[start:end]
        section = note.section_of(clause).label
        return Evidence(clause.document, clause.start + start, clause.start + end, text, weight, section)


class _Words:
    """The words of one clause with the sums of their token vectors."""

    def __init__(self, text: str, tokens: Floats, offsets: Integers) -> None:
        self._text = text
        spans = [span for match in _WORD.finditer(text) if (span := _trim(text, *match.span()))]
        self._spans = spans or [(0, len(text))]
        owner = np.searchsorted([end for _, end in self._spans], offsets[:, 0], side="right")
        kept = owner < len(self._spans)
        sums = np.zeros((len(self._spans) + 1, tokens.shape[1]), dtype=np.float32)
        np.add.at(sums, owner[kept] + 1, tokens[kept])
        self._sums = np.cumsum(sums, axis=0)  # (words + 1, 768)

    def nearest(self, form: Floats) -> tuple[int, int]:
        """[start, end) of the run of words whose mean vector has the greatest cosine with `form`.

        The mean over a run is what the encoder would pool for it, so this is the similarity that ranked the code,
        asked of fewer words. Of equal runs the shortest, then the first.
        """
        count = len(self._spans)
        starts, ends = np.triu_indices(count)
        near = ends - starts < _LONGEST
        starts, ends = starts[near], ends[near]
        cosines = normalise(self._sums[ends + 1] - self._sums[starts]) @ form
        best = int(np.lexsort((starts, ends - starts, -np.round(cosines, 3)))[0])
        return self._spans[int(starts[best])][0], self._spans[int(ends[best])][1]


_LONGEST = 12  # words in one evidence span


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A word without the punctuation around it; None when nothing else is in it."""
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return (start, end) if start < end else None


def _without_overlaps(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Heaviest first; a span that overlaps a heavier one is left out."""
    kept: list[Evidence] = []
    for one in sorted(evidence, key=lambda e: (-round(e.weight, 4), e.document, e.start, e.end)):
        if not any(o.document == one.document and o.start < one.end and one.start < o.end for o in kept):
            kept.append(one)
    return tuple(kept)
