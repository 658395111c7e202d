"""Vectors of the allowed codes only, laid end to end: most requests leave the same codes out.

A request for billable codes allows one code of each family (app/pipeline/families.py): of ICD-10-CM half of the forms.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from index_builder.matching import form_rows
from index_builder.searching.port import Mask, Storage
from model.encoder import Integers
from model.nested import Floats

KEPT = 2  # extracts, the ones used last; that of billable ICD-10-CM codes takes 41 MB as float32, 12 as integers
WORTH = 0.75  # share of the forms above which a copy of them gains nothing


Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class Extract(Generic[Held]):
    """Some codes of an index, in their order.

    codes:  (c,) positions in the catalog
    rows:   (f,) their forms in the form matrix, code by code
    starts: (c,) where each code's forms begin in `rows`
    held:   what was made of the forms' unit prefixes (f, d)
    """

    codes: Integers
    rows: Integers
    starts: Integers
    held: Held

    def spread(self, by_form: Floats, count: int) -> Floats:
        """Values of these forms (f,) -> of all forms (count,); -inf for the others."""
        full = np.full(count, -np.inf, dtype=np.float32)
        full[self.rows] = by_form
        return full


class Extracts(Generic[Held]):
    """Makes extracts and keeps the last ones. Safe from many threads.

    make:  unit prefixes of all forms (F, d), rows (f,) -> what an extract of these rows holds
    worth: share of the forms above which none is made
    """

    def __init__(self, storage: Storage, make: Callable[[Floats, Integers], Held], worth: float = WORTH) -> None:
        self._storage = storage
        self._make = make
        self._worth = worth
        self._lengths = np.diff(storage.offsets)
        self._kept: OrderedDict[tuple[int, bytes], Extract[Held]] = OrderedDict()
        self._turn = threading.Lock()

    def of(self, allowed: Mask, dimensions: int) -> Extract[Held] | None:
        """The extract of the allowed codes (C,) at a stored width; None where it holds nothing, or nearly all."""
        forms = int(self._lengths[allowed].sum())
        if not 0 < forms <= self._worth * len(self._storage.forms):
            return None
        key = dimensions, np.packbits(allowed).tobytes()
        with self._turn:  # two threads that ask for the same one wait for it rather than make it twice
            extract = self._kept.pop(key, None) or self._extracted(allowed, dimensions)
            self._kept[key] = extract
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return extract

    def _extracted(self, allowed: Mask, dimensions: int) -> Extract[Held]:
        codes = np.flatnonzero(allowed).astype(np.int64)
        rows, starts = form_rows(self._storage.offsets, codes)
        return Extract(codes, rows, starts, self._make(self._storage.prefixes[dimensions], rows))
