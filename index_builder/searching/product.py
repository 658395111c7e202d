"""numpy's matrix product over blocks that stay in cache (docs/decisions/0001)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from index_builder.hits import CodeHits, no_hits
from index_builder.matching import FORM_BLOCK, best_positions, first_maxima, form_maxima, form_rows, nearest_spans
from index_builder.searching.extract import Extract, Extracts
from index_builder.searching.port import Mask, Storage
from model.encoder import Integers
from model.nested import Floats, prefix


class ProductSearch:
    """All similarities of a note, block by block; see the port for arguments."""

    name = "numpy"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._extracts = Extracts[Floats](storage, lambda vectors, rows: vectors[rows])

    def search(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """Stage one, in the stored prefixes; where codes are left out, in an extract without their forms."""
        dimensions = queries.shape[1]
        extract = None if allowed is None else self._extracts.of(allowed, dimensions)
        if extract is None:
            return self.search_in(self._storage.prefixes[dimensions], queries, width, allowed, bias)
        by_form = form_maxima(queries, _blocks(extract.held), len(extract.rows))
        return self.best_of(extract, by_form, queries, width, bias)

    def best_of(
        self, extract: Extract[Any], by_form: Floats, queries: Floats, width: int, bias: Floats | None
    ) -> CodeHits:
        """The best codes of an extract by the best cosine of each of its forms (f,), -inf for one that cannot win."""
        by_code = np.maximum.reduceat(by_form, extract.starts)
        ranked = by_code if bias is None else by_code + bias[extract.codes]
        best = best_positions(ranked, width, None)  # in the order of position, as the codes of the extract are
        return self._hits(
            queries, extract.codes[best], by_code[best], extract.spread(by_form, len(self._storage.forms))
        )

    def search_in(
        self, vectors: Floats, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None
    ) -> CodeHits:
        """As `search`, in prefixes of all forms that the caller holds in memory: vectors (F, d) unit rows."""
        return self._best_codes(queries, _blocks(vectors), width, allowed, bias)

    def search_exact(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """The oracle; its vectors are cut and normalised at each call."""
        return self._best_codes(queries, self._cut_blocks(queries.shape[1]), width, allowed, bias)

    def rescore(self, queries: Floats, positions: Integers) -> CodeHits:
        """Only the rows of these codes are read from the file."""
        rows, starts = form_rows(self._storage.offsets, positions)
        scores, spans = nearest_spans(queries, self._storage.forms, rows)
        best = first_maxima(scores, starts)
        return CodeHits(positions, scores[best], spans[best], rows[best])

    def _best_codes(
        self, queries: Floats, blocks: Iterator[Floats], width: int, allowed: Mask | None, bias: Floats | None
    ) -> CodeHits:
        by_form = form_maxima(queries, blocks, len(self._storage.forms))
        by_code = np.maximum.reduceat(by_form, self._storage.offsets[:-1])
        positions = best_positions(by_code if bias is None else by_code + bias, width, allowed)
        return self._hits(queries, positions, by_code[positions], by_form)

    def _hits(self, queries: Floats, positions: Integers, scores: Floats, by_form: Floats) -> CodeHits:
        """The chosen codes with the best form and span of each; by_form (F,) holds the best cosine of their forms."""
        if len(positions) == 0:
            return no_hits()
        rows, starts = form_rows(self._storage.offsets, positions)
        best = rows[first_maxima(by_form[rows], starts)]
        _, spans = nearest_spans(queries, self._storage.forms, best)
        return CodeHits(positions, scores, spans, best)

    def _cut_blocks(self, dimensions: int) -> Iterator[Floats]:
        forms = self._storage.forms
        for start in range(0, len(forms), FORM_BLOCK):
            yield prefix(forms[start : start + FORM_BLOCK], dimensions)
            self._storage.tell(FORM_BLOCK)


def _blocks(vectors: Floats) -> Iterator[Floats]:
    return (vectors[start : start + FORM_BLOCK] for start in range(0, len(vectors), FORM_BLOCK))
