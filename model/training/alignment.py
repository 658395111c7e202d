"""Word alignment of translated notes: evidence marked in the original is carried over to its translation.

Two steps, both old and small: sentences are aligned by length (Gale and Church 1993), words by IBM Model 1 (Brown et
al. 1993) with a prior that favours the diagonal (Dyer et al. 2013, fast_align).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ¿¡0-9])|\n+")
_BEADS = {(1, 1): 0.0, (1, 0): 4.5, (0, 1): 4.5, (2, 1): 2.3, (1, 2): 2.3, (3, 1): 4.0, (1, 3): 4.0, (2, 2): 4.5}
_DIAGONAL = 4.0
_NULL = 0.05
_PREFIX = 5  # words are compared by their first letters: inflection is not told apart

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Word:
    """A word by its stem, [start, end) in code points of its text."""

    stem: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Bead:
    """A stretch of the original and the stretch that translates it."""

    source: tuple[Word, ...]
    target: tuple[Word, ...]


def words(text: str, start: int = 0, end: int | None = None) -> tuple[Word, ...]:
    """The words of text[start:end]; offsets count from the beginning of the text."""
    found = _WORD.finditer(text, start, len(text) if end is None else end)
    return tuple(Word(m.group().casefold()[:_PREFIX], m.start(), m.end()) for m in found)


def sentences(text: str) -> list[Span]:
    """[start, end) of each sentence; blank ones are left out."""
    cuts = [0, *(m.end() for m in _SENTENCE_END.finditer(text)), len(text)]
    return [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if text[a:b].strip()]


def align_sentences(source: str, target: str) -> list[Bead]:
    """Beads in the order of the texts: the cheapest path over 1-1, 1-2, 2-1, ... matches by length."""
    left, right = sentences(source), sentences(target)
    ratio = max(1, len(target)) / max(1, len(source))
    best: dict[Span, tuple[float, Span]] = {(0, 0): (0.0, (0, 0))}
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            options = [
                (best[i - a, j - b][0] + penalty + _mismatch(left[i - a : i], right[j - b : j], ratio), (a, b))
                for (a, b), penalty in _BEADS.items()
                if i >= a and j >= b and (i - a, j - b) in best
            ]
            if options:
                best[i, j] = min(options)
    beads: list[Bead] = []
    at = (len(left), len(right))
    while at != (0, 0):
        a, b = best[at][1]
        taken, given = left[at[0] - a : at[0]], right[at[1] - b : at[1]]
        if taken and given:
            beads.append(Bead(words(source, taken[0][0], taken[-1][1]), words(target, given[0][0], given[-1][1])))
        at = (at[0] - a, at[1] - b)
    return beads[::-1]


def _mismatch(left: Sequence[Span], right: Sequence[Span], ratio: float) -> float:
    """Gale and Church's cost of lengths that do not fit: squared difference over its expected variance."""
    a, b = sum(e - s for s, e in left) * ratio, float(sum(e - s for s, e in right))
    return 0.0 if not left or not right else (a - b) ** 2 / (2 * 6.8 * (a + b) / 2)


class WordAligner:
    """IBM Model 1 with a diagonal prior: p(target word | source word), learned by expectation maximisation."""

    def __init__(self, beads: Iterable[Bead], iterations: int = 5) -> None:
        self._beads = [bead for bead in beads if bead.source and bead.target]
        self._table: dict[str, dict[str, float]] = {}
        for _ in range(iterations):
            self._table = self._expect()

    def _expect(self) -> dict[str, dict[str, float]]:
        counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for bead in self._beads:
            for j, target in enumerate(bead.target):
                shares = [self._weight(bead, i, j) for i in range(len(bead.source))]
                total = sum(shares) + _NULL * 1e-3
                for source, share in zip(bead.source, shares, strict=True):
                    counts[source.stem][target.stem] += share / total
        return {s: {t: n / sum(row.values()) for t, n in row.items()} for s, row in counts.items()}

    def _weight(self, bead: Bead, i: int, j: int) -> float:
        source, target = bead.source[i].stem, bead.target[j].stem
        known = self._table.get(source, {}).get(target, 0.0) if self._table else 1.0
        distance = abs((i + 0.5) / len(bead.source) - (j + 0.5) / len(bead.target))
        return known * math.exp(-_DIAGONAL * distance)

    def project(self, bead: Bead, spans: Sequence[Span], *, least: float = 0.02) -> Span | None:
        """The stretch of the translation that renders these spans of the original; None where no word is sure."""
        marked = [i for i, w in enumerate(bead.source) if any(w.start < e and s < w.end for s, e in spans)]
        places: dict[int, float] = {}
        for i in marked:
            weights = [self._weight(bead, i, j) for j in range(len(bead.target))]
            j = max(range(len(weights)), key=weights.__getitem__, default=-1)
            if j >= 0 and weights[j] >= least:
                places[j] = max(places.get(j, 0.0), weights[j])
        if not places:
            return None
        chosen = _densest(places, reach=2 * len(marked) + 2)
        return bead.target[chosen[0]].start, bead.target[chosen[-1]].end


def _densest(places: dict[int, float], reach: int) -> list[int]:
    """The word places within one stretch of `reach` words that weigh most together."""
    ordered = sorted(places)
    stretches = [[p for p in ordered if first <= p < first + reach] for first in ordered]
    return max(stretches, key=lambda stretch: sum(places[p] for p in stretch))
