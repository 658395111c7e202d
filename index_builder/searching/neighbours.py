"""Stage one by FAISS: the nearest forms of each span, searched deeper until no other code can be among the best.

A search for k forms per span may miss codes, since a code with many forms takes places of others. What a span did not
list is no nearer than the last form that it did. Only spans whose last form could still bring in a code are asked
again, for more; the answer is exact (Fagin et al. 2003, the threshold algorithm).
"""

from __future__ import annotations

import threading
from typing import Any

import faiss
import numpy as np

from index_builder.hits import CodeHits, no_hits
from index_builder.matching import best_spans, first_maxima, form_rows
from index_builder.searching.port import Mask, Storage
from index_builder.searching.product import ProductSearch
from model.encoder import Integers
from model.nested import Floats

FIRST = 256  # forms asked of each span
DEEPER = 4
GPU_MOST = 2048  # faiss selects no more on a GPU
SLACK = 1e-5  # FAISS and BLAS differ in the last bits of a cosine


class NeighbourSearch:
    """Stage one in faiss.IndexFlatIP, on the GPU where the wheel and the machine have one; the rest as the default.

    See the port for arguments.
    """

    name = "faiss"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._product = ProductSearch(storage)
        self._owners = np.repeat(np.arange(len(storage.offsets) - 1), np.diff(storage.offsets))  # (F,)
        self._resources: Any = _resources()
        self._turn = threading.Lock()  # a GPU index takes one search at a time
        self._placed = {} if self._resources is None else {d: self._place(s) for d, s in storage.stores.items()}

    @property
    def on_gpu(self) -> bool:
        """Whether FAISS searches on a GPU."""
        return self._resources is not None

    def search(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """Stage one: candidates by FAISS, then the cosines of the candidates by a matrix product."""
        positions = self._candidates(queries, width, allowed, bias)
        if len(positions) == 0:
            return no_hits()
        rows, starts = form_rows(self._storage.offsets, positions)
        scores, spans = best_spans(queries, self._storage.prefixes[queries.shape[1]][rows])
        best = first_maxima(scores, starts)
        found = CodeHits(positions, scores[best], spans[best], rows[best])
        ranked = found.scores if bias is None else found.scores + bias[positions]
        return found.take(np.asarray(np.lexsort((positions, -ranked))[:width], dtype=np.int64))

    def search_exact(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """The oracle needs no index."""
        return self._product.search_exact(queries, width, allowed, bias)

    def rescore(self, queries: Floats, positions: Integers) -> CodeHits:
        """A few rows of the file."""
        return self._product.rescore(queries, positions)

    def _candidates(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> Integers:
        """Positions, rising: the best `width` allowed codes and those that are as good within SLACK."""
        count, forms = len(self._storage.offsets) - 1, len(self._owners)
        permitted = np.ones(count, dtype=np.bool_) if allowed is None else allowed
        added = np.zeros(count, dtype=np.float32) if bias is None else bias
        most = float(added[permitted].max(initial=-np.inf))
        wanted = min(width, int(permitted.sum()))
        by_code = np.full(count, -np.inf, dtype=np.float32)
        open_spans, deep = np.arange(len(queries)), min(FIRST, forms)
        while wanted:
            scores, rows = self._nearest(np.ascontiguousarray(queries[open_spans]), deep)
            np.maximum.at(by_code, self._owners[rows.ravel()], scores.ravel())
            ranked = np.where(permitted, by_code + added, np.float32(-np.inf))
            least = np.partition(ranked, count - wanted)[count - wanted] - SLACK
            open_spans = open_spans[scores[:, -1] + most >= least]
            if deep == forms or len(open_spans) == 0:
                return np.asarray(np.flatnonzero(permitted & (ranked >= least)), dtype=np.int64)
            deep = min(DEEPER * deep, forms)
        return np.zeros(0, dtype=np.int64)

    def _nearest(self, queries: Floats, deep: int) -> tuple[Floats, Integers]:
        """Scores and rows of the `deep` nearest forms of each query, (S, deep), best first."""
        dimensions = queries.shape[1]
        if self._resources is None or deep > GPU_MOST:
            scores, rows = self._storage.stores[dimensions].search(queries, deep)
        else:
            with self._turn:
                scores, rows = self._placed[dimensions].search(queries, deep)
        return np.asarray(scores, dtype=np.float32), np.asarray(rows, dtype=np.int64)

    def _place(self, store: Any) -> Any:
        return faiss.index_cpu_to_gpu(self._resources, 0, store)


def _resources() -> Any:
    """Scratch memory of the first GPU; None for a wheel without GPU support, or a machine without one."""
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        return None
    return faiss.StandardGpuResources()
