"""What a search answers: codes with the span and the form that are nearest to each other."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from model.encoder import Integers
from model.nested import Floats


@dataclass(frozen=True, slots=True)
class CodeHits:
    """Codes with their best span and best form; all arrays are (k,).

    positions: int64, codes as positions in the catalog
    scores:    float32, cosine of the best span and the best form
    spans:     int64, rows of the queries
    forms:     int64, rows of the form matrix
    """

    positions: Integers
    scores: Floats
    spans: Integers
    forms: Integers

    def __len__(self) -> int:
        return len(self.positions)

    def order(self) -> Integers:
        """Indices that sort by falling score; equal scores in the order of position."""
        return np.asarray(np.lexsort((self.positions, -self.scores)), dtype=np.int64)

    def take(self, indices: Integers) -> CodeHits:
        """The hits at these indices, in that order."""
        return CodeHits(self.positions[indices], self.scores[indices], self.spans[indices], self.forms[indices])

    def joined(self, other: CodeHits) -> CodeHits:
        """These hits, then the others."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return CodeHits(*map(np.concatenate, pairs))

    def head(self, count: int) -> CodeHits:
        """The first `count` hits, in their order."""
        return self.take(np.arange(min(count, len(self)), dtype=np.int64))

    def top(self, count: int) -> CodeHits:
        """The best `count` hits, best first."""
        return self.take(self.order()[:count])


def no_hits() -> CodeHits:
    """Nothing was found."""
    nothing = np.zeros(0, dtype=np.int64)
    return CodeHits(nothing, np.zeros(0, dtype=np.float32), nothing, nothing)
