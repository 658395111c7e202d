"""Search over one artifact: the spans of one note in, the best codes out. Exact at every stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from index_builder.catalog import Catalog, CatalogError
from index_builder.errors import InconsistentError
from index_builder.manifest import CATALOG, FORMS, Manifest, search_file
from index_builder.matching import FORM_BLOCK, best_positions, best_spans, first_maxima, form_maxima, form_rows
from model.encoder import Integers
from model.nested import Floats, prefix

Mask = npt.NDArray[np.bool_]


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

    def head(self, count: int) -> CodeHits:
        """The first `count` hits, in their order."""
        return self.take(np.arange(min(count, len(self)), dtype=np.int64))

    def top(self, count: int) -> CodeHits:
        """The best `count` hits, best first."""
        return self.take(self.order()[:count])


class CodeIndex:
    """The vectors and the catalog of one artifact. Reading is safe from many threads; nothing is ever written.

    Resident: the stage-one prefixes. The full-width matrix is memory-mapped. Files must have been verified:
    `index_builder.loader.load` does that.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.catalog = _open_catalog(folder / CATALOG)
        self._offsets = np.asarray(self.catalog.offsets, dtype=np.int64)
        _check_catalog(folder / CATALOG, self.catalog, self._offsets, manifest)
        self._forms = _map_forms(folder / FORMS, manifest)
        self._stores = {d: _read_store(folder / search_file(d), d, manifest) for d in manifest.prefixes}
        self._prefixes = {d: _view(store) for d, store in self._stores.items()}

    def search(self, queries: Floats, width: int, allowed: Mask | None = None, bias: Floats | None = None) -> CodeHits:
        """Stage one: the best `width` codes over all spans and all forms, best first.

        bias (C,) is added to the codes' scores when they are chosen and ordered; the scores returned are cosines.

        queries (S, d) unit rows, d one of the manifest's prefixes; allowed (C,) leaves codes out. Fewer codes come
        back where fewer are allowed, none where S is 0. Raises ValueError for a d that has no index.
        """
        vectors = self._prefixes.get(queries.shape[1])
        if vectors is None:
            raise ValueError(f"no index over {queries.shape[1]} dimensions, only {self.manifest.prefixes}")
        return self.search_in(vectors, queries, width, allowed, bias)

    def search_in(
        self,
        vectors: Floats,
        queries: Floats,
        width: int,
        allowed: Mask | None = None,
        bias: Floats | None = None,
    ) -> CodeHits:
        """As `search`, in prefixes of all forms that the caller holds in memory: vectors (F, d) unit rows."""
        blocks = (vectors[start : start + FORM_BLOCK] for start in range(0, len(vectors), FORM_BLOCK))
        return self._best_codes(queries, blocks, width, allowed, bias)

    def search_exact(
        self, queries: Floats, width: int, allowed: Mask | None = None, bias: Floats | None = None
    ) -> CodeHits:
        """The oracle: as `search`, by any prefix, cut from the full matrix at each call, so no index is needed.

        queries (S, d) unit rows, d within 1..D. At d = D nothing is lost. Raises ValueError for a wider d.
        """
        dimensions = queries.shape[1]
        if not 1 <= dimensions <= self.manifest.dimensions:
            raise ValueError(f"queries of {dimensions} dimensions, not within 1..{self.manifest.dimensions}")
        return self._best_codes(queries, self._cut_blocks(dimensions), width, allowed, bias)

    def rescore(self, queries: Floats, positions: Integers, dimensions: int) -> CodeHits:
        """Scores of the given codes, in the given order, by the prefix of `dimensions`, over all spans and forms.

        queries (S, dimensions) unit rows; positions (k,). Raises ValueError where the widths differ, or for codes
        without a single query.
        """
        if queries.shape[1] != dimensions:
            raise ValueError(f"queries of {queries.shape[1]} dimensions rescored at {dimensions}")
        if len(positions) == 0:
            return _no_hits()
        if len(queries) == 0:
            raise ValueError("codes cannot be rescored without a query")
        rows, starts = form_rows(self._offsets, positions)
        scores, spans = best_spans(queries, prefix(self._forms[rows, :dimensions], dimensions))
        best = first_maxima(scores, starts)
        return CodeHits(positions, scores[best], spans[best], rows[best])

    def vectors(self, rows: Integers) -> Floats:
        """Full-width unit vectors of these forms: (n,) -> (n, D) float32."""
        return prefix(self._forms[rows], self.manifest.dimensions)

    def prefix_vectors(self, dimensions: int) -> Floats:
        """All forms' unit prefixes of one of the manifest's widths, (F, dimensions), read-only."""
        return self._prefixes[dimensions]

    def owners(self, rows: Integers) -> Integers:
        """The position of the code that each form belongs to: (n,) -> (n,)."""
        return np.asarray(np.searchsorted(self._offsets, rows, side="right") - 1, dtype=np.int64)

    def close(self) -> None:
        """Close the catalog. The mapped matrix goes with the last reference to it."""
        self.catalog.close()

    def _best_codes(
        self, queries: Floats, blocks: Iterator[Floats], width: int, allowed: Mask | None, bias: Floats | None
    ) -> CodeHits:
        if len(queries) == 0:
            return _no_hits()
        by_form = form_maxima(queries, blocks, len(self._forms))
        by_code = np.maximum.reduceat(by_form, self._offsets[:-1])
        positions = best_positions(by_code if bias is None else by_code + bias, width, allowed)
        if len(positions) == 0:
            return _no_hits()
        rows, starts = form_rows(self._offsets, positions)
        forms = rows[first_maxima(by_form[rows], starts)]
        _, spans = best_spans(queries, prefix(self._forms[forms], queries.shape[1]))
        return CodeHits(positions, by_code[positions], spans, forms)

    def _cut_blocks(self, dimensions: int) -> Iterator[Floats]:
        for start in range(0, len(self._forms), FORM_BLOCK):
            yield prefix(self._forms[start : start + FORM_BLOCK], dimensions)


def _no_hits() -> CodeHits:
    nothing = np.zeros(0, dtype=np.int64)
    return CodeHits(nothing, np.zeros(0, dtype=np.float32), nothing, nothing)


def _open_catalog(path: Path) -> Catalog:
    try:
        return Catalog.open(path)
    except CatalogError as error:
        raise InconsistentError(path, str(error)) from error


def _check_catalog(path: Path, catalog: Catalog, offsets: Integers, manifest: Manifest) -> None:
    counts, expected = (catalog.code_count, catalog.form_count), (manifest.counts.codes, manifest.counts.forms)
    if counts != expected:
        raise InconsistentError(path, f"{counts} codes and forms, manifest says {expected}")
    named = (catalog.name, catalog.edition)
    if named != (manifest.code_set.name, manifest.code_set.edition):
        raise InconsistentError(path, f"holds {named}, manifest says {manifest.code_set}")
    if len(offsets) != counts[0] + 1 or offsets[0] != 0 or offsets[-1] != counts[1] or (np.diff(offsets) < 1).any():
        raise InconsistentError(path, "forms do not cover the codes, each with at least one")


def _map_forms(path: Path, manifest: Manifest) -> npt.NDArray[np.float16]:
    shape = (manifest.counts.forms, manifest.dimensions)
    size = path.stat().st_size
    if size != shape[0] * shape[1] * 2:
        raise InconsistentError(path, f"{size} bytes do not hold {shape} half floats")
    return np.memmap(path, dtype="<f2", mode="r", shape=shape)


def _read_store(path: Path, dimensions: int, manifest: Manifest) -> Any:
    try:
        store = faiss.read_index(str(path))
    except RuntimeError as error:
        raise InconsistentError(path, "faiss cannot read it") from error
    found = (type(store).__name__, store.d, store.ntotal)
    if found != ("IndexFlatIP", dimensions, manifest.counts.forms):
        raise InconsistentError(path, f"holds {found}, expected IndexFlatIP {dimensions} x {manifest.counts.forms}")
    return store


def _view(store: Any) -> Floats:
    """The storage of a flat index as (n, d), without a copy; the index must outlive it."""
    view: Floats = faiss.rev_swig_ptr(store.get_xb(), store.ntotal * store.d).reshape(store.ntotal, store.d)
    view.flags.writeable = False
    return view
