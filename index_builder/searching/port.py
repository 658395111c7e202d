"""The search port: spans of one note in, the best codes out, over the vectors of one artifact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from index_builder.hits import CodeHits
from model.encoder import Integers
from model.nested import Floats

Mask = npt.NDArray[np.bool_]


def _nobody(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Storage:
    """What is searched: F forms of C codes, as the artifact keeps them. Nothing is ever written.

    prefixes: by width d the unit prefixes of all forms, (F, d) float32, a view of what `stores` holds
    stores:   by width the faiss.IndexFlatIP of the artifact
    forms:    (F, D) float16, memory-mapped
    offsets:  (C + 1,) int64, forms offsets[c]:offsets[c + 1] belong to code c; each code has one at least
    tell:     hears of so many rows of `forms` that were read one after the other
    """

    prefixes: Mapping[int, Floats]
    stores: Mapping[int, Any]
    forms: npt.NDArray[np.float16]
    offsets: Integers
    tell: Callable[[int], None] = _nobody


class CodeSearch(Protocol):
    """Exact search. Of equal scores the first code, form and span win. Safe from many threads.

    queries (S, d) are unit rows, S > 0. Scores are cosines; `bias` (C,) counts when codes are chosen and ordered, and
    not in the scores; `allowed` (C,) leaves codes out. At most `width` codes come back, best first.
    """

    @property
    def name(self) -> str:
        """As settings name it."""
        ...

    def search(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """Stage one, in the stored prefixes of width d."""
        ...

    def search_exact(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """The oracle, by prefixes of width d cut from the full matrix."""
        ...

    def rescore(self, queries: Floats, positions: Integers) -> CodeHits:
        """These codes (k,), at least one, in the order given, by prefixes of width d cut from the full matrix."""
        ...
