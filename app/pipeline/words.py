"""The attend stage: how near the words themselves are, not the clause around them.

A clause says more than one finding's words ("complains of shortness of breath on climbing stairs"), and its mean vector
is diluted by the rest. The mean over a run of its words is what the encoder would pool for these words in this
context; the run with the greatest cosine to the code's wording is the evidence, and its cosine is the score. On CodiEsp
dev this ranks better than the clause's cosine (docs/decisions/0009).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.pipeline.clauses import tells
from app.pipeline.encoding import EncodedNote
from app.pipeline.reading.edited import Span
from model.contributions import cosine_contributions
from model.encoder import Encoder, Integers, StatesOnDevice
from model.nested import Floats, normalise

_WORD = re.compile(r"\S+")
_EDGE = "\"'“”‘’.,;:!?()[]{}<>*•·-–—/\\|=+~_#"
_LONGEST = 12  # words in one run

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring words of a clause: [start, end) in code points of the clause, and their cosine to a wording."""

    start: int
    end: int
    cosine: float


class WordReader:
    """Compares runs of words of one note's clauses with wordings. Each clause is projected once."""

    def __init__(self, encoder: Encoder, note: EncodedNote) -> None:
        self._encoder = encoder
        self._note = note
        self._runs: dict[int, _Runs] = {}
        self._projected: dict[int, Floats] = {}

    def nearest(self, form: Floats, query: int) -> Run:
        """The run of the clause `query` that is nearest to the wording `form` (768,), unit length."""
        return self._of(query).nearest(form[None])[0]

    def nearest_to_each(self, forms: Floats, queries: Sequence[int]) -> list[Run]:
        """For each wording (k, 768) the nearest run of its clause; one product for the wordings of a clause."""
        by_query: dict[int, list[int]] = defaultdict(list)
        for row, query in enumerate(queries):
            by_query[query].append(row)
        self._project(by_query)
        found: dict[int, Run] = {}
        for query, rows in by_query.items():
            found.update(zip(rows, self._of(query).nearest(forms[rows]), strict=True))
        return [found[row] for row in range(len(queries))]

    def contributions(self, form: Floats, query: int) -> Floats:
        """(t,) what each token of the clause `query` adds to its cosine to the wording `form` (768,), exactly."""
        self._of(query)
        return np.asarray(cosine_contributions(self._projected[query], form[None])[0])

    def _of(self, query: int) -> _Runs:
        if query not in self._runs:
            text = self._note.segmented.text_of(self._note.uses[query][0])
            self._runs[query] = _Runs(text, self._vectors(query), self._note.offsets(query))
        return self._runs[query]

    def _vectors(self, query: int) -> Floats:
        """The tokens of one clause (t, d), not normalised."""
        self._project([query])
        return self._projected[query]

    def projected(self) -> list[Floats]:
        """Of every query its tokens (t, d), not normalised; those of queries not read yet go through one product."""
        self._project(range(len(self._note.places)))
        return [self._projected[query] for query in range(len(self._note.places))]

    def _project(self, queries: Iterable[int]) -> None:
        """Project the tokens of those queries that were not read yet, in one product: one for each clause takes four
        times as long. From a device those of all clauses come in one go."""
        places, states = self._note.places, self._note.states
        if isinstance(states, StatesOnDevice):
            queries = range(len(places))
        missing = [query for query in queries if query not in self._projected]
        if missing:
            if isinstance(states, StatesOnDevice):
                rows = np.concatenate([np.arange(places[query].start, places[query].end) for query in missing])
                tokens = states.fetched(rows, self._note.vectors.shape[1])
            else:
                tokens = self._encoder.project(np.concatenate([self._note.tokens(query)[0] for query in missing]))
            ends = np.cumsum([places[query].end - places[query].start for query in missing])
            self._projected.update(zip(missing, np.split(tokens, ends[:-1]), strict=True))


def cut_words(text: str) -> list[Span]:
    """The words of a clause without the punctuation around them; the whole clause where it has nothing else."""
    return [span for match in _WORD.finditer(text) if (span := _trim(text, *match.span()))] or [(0, len(text))]


def owners(words: Sequence[Span], offsets: Integers) -> Integers:
    """(t,) the word that each token belongs to, by its place in `words`; one past the last for tokens behind it."""
    return np.asarray(np.searchsorted([end for _, end in words], offsets[:, 0], side="right"), dtype=np.int64)


class _Runs:
    """All runs of a clause's words with their vectors."""

    def __init__(self, text: str, tokens: Floats, offsets: Integers) -> None:
        spans = cut_words(text)
        owner = owners(spans, offsets)
        inside = owner < len(spans)
        sums = np.zeros((len(spans) + 1, tokens.shape[1]), dtype=np.float32)
        np.add.at(sums, owner[inside] + 1, tokens[inside])
        sums = np.cumsum(sums, axis=0, dtype=np.float32)  # (words + 1, 768)
        starts, ends = np.triu_indices(len(spans))
        kept = np.flatnonzero((ends - starts < _LONGEST) & _telling(text, spans, starts, ends))
        kept = kept[np.lexsort((starts[kept], ends[kept] - starts[kept]))]  # the first of equals is taken
        self._spans, self._starts, self._ends = spans, starts[kept], ends[kept]
        self._vectors = normalise(sums[self._ends + 1] - sums[self._starts])

    def nearest(self, forms: Floats) -> list[Run]:
        """For each of forms (k, 768); of runs that are equal in three decimals the shortest, then the first."""
        cosines = self._vectors @ forms.T  # (runs, k)
        best = np.round(cosines, 3).argmax(axis=0)
        starts, ends = self._starts[best].tolist(), self._ends[best].tolist()
        values = cosines[best, np.arange(len(best))].tolist()
        return [Run(self._spans[s][0], self._spans[e][1], c) for s, e, c in zip(starts, ends, values, strict=True)]


def _telling(text: str, spans: Sequence[Span], starts: Integers, ends: Integers) -> Mask:
    """Which runs hold a word that may name a finding: "voice is" supports nothing, "voice is hoarse" does. All do
    where none does, so that a clause always has a run."""
    telling = np.array([tells(text, span) for span in spans])
    before = np.concatenate([[0], np.cumsum(telling)])
    mask = np.asarray(before[ends + 1] > before[starts])
    return mask if mask.any() else np.ones(len(starts), dtype=np.bool_)


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A word without the punctuation around it; None when nothing else is in it."""
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return (start, end) if start < end else None
