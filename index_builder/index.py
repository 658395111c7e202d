"""Search over one artifact: the spans of one note in, the best codes out. Exact at every stage."""

from __future__ import annotations

import copy
import mmap
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from index_builder.catalog import Catalog, CatalogError
from index_builder.errors import InconsistentError
from index_builder.hits import CodeHits, no_hits
from index_builder.manifest import CATALOG, FORMS, Manifest, search_file
from index_builder.pages import Pages
from index_builder.searching.opening import DEFAULT, open_search
from index_builder.searching.port import Mask, Storage
from index_builder.searching.product import ProductSearch
from model.encoder import Integers
from model.nested import Floats, prefix

__all__ = ["CodeHits", "CodeIndex", "Mask"]


class CodeIndex:
    """The vectors and the catalog of one artifact. Reading is safe from many threads; nothing is ever written.

    Resident: the stage-one prefixes. The full-width matrix is memory-mapped. Files must have been verified:
    `index_builder.loader.load` does that. search: what does the searching, one of
    `index_builder.searching.opening.SEARCHES`; all give the same answers. Raises BackendError where it cannot run.
    """

    def __init__(self, folder: Path, manifest: Manifest, search: str = DEFAULT) -> None:
        self.manifest = manifest
        self.catalog = _open_catalog(folder / CATALOG)
        self._offsets = np.asarray(self.catalog.offsets, dtype=np.int64)
        _check_catalog(folder / CATALOG, self.catalog, self._offsets, manifest)
        mapped, self._forms = _map_forms(folder / FORMS, manifest)
        self._pages = Pages(mapped)
        stores = {d: _read_store(folder / search_file(d), d, manifest) for d in manifest.prefixes}
        self._prefixes = {d: _view(store) for d, store in stores.items()}
        self._storage = Storage(self._prefixes, stores, self._forms, self._offsets, self._pages.count)
        self._product = ProductSearch(self._storage)
        self._search = open_search(search, self._storage)

    @property
    def search_name(self) -> str:
        """What does the searching."""
        return self._search.name

    def searched_by(self, name: str) -> CodeIndex:
        """The same index with another of `SEARCHES`, to compare them; nothing is opened again, one `close` closes both.

        Raises BackendError where it cannot run.
        """
        other = copy.copy(self)
        other._search = open_search(name, self._storage)
        return other

    def search(self, queries: Floats, width: int, allowed: Mask | None = None, bias: Floats | None = None) -> CodeHits:
        """Stage one: the best `width` codes over all spans and all forms, best first.

        bias (C,) is added to the codes' scores when they are chosen and ordered; the scores returned are cosines.

        queries (S, d) unit rows, d one of the manifest's prefixes; allowed (C,) leaves codes out. Fewer codes come
        back where fewer are allowed, none where S is 0. Raises ValueError for a d that has no index.
        """
        if queries.shape[1] not in self._prefixes:
            raise ValueError(f"no index over {queries.shape[1]} dimensions, only {self.manifest.prefixes}")
        hits = self._search.search(queries, width, allowed, bias) if len(queries) else no_hits()
        self._pages.count(len(hits.positions))
        return hits

    def search_in(
        self,
        vectors: Floats,
        queries: Floats,
        width: int,
        allowed: Mask | None = None,
        bias: Floats | None = None,
    ) -> CodeHits:
        """As `search`, in prefixes of all forms that the caller holds in memory: vectors (F, d) unit rows."""
        return self._product.search_in(vectors, queries, width, allowed, bias) if len(queries) else no_hits()

    def search_exact(
        self, queries: Floats, width: int, allowed: Mask | None = None, bias: Floats | None = None
    ) -> CodeHits:
        """The oracle: as `search`, by any prefix, cut from the full matrix at each call, so no index is needed.

        queries (S, d) unit rows, d within 1..D. At d = D nothing is lost. Raises ValueError for a wider d.
        """
        dimensions = queries.shape[1]
        if not 1 <= dimensions <= self.manifest.dimensions:
            raise ValueError(f"queries of {dimensions} dimensions, not within 1..{self.manifest.dimensions}")
        hits = self._search.search_exact(queries, width, allowed, bias) if len(queries) else no_hits()
        self._pages.release()  # all of them were read
        return hits

    def rescore(self, queries: Floats, positions: Integers, dimensions: int) -> CodeHits:
        """Scores of the given codes, in the given order, by the prefix of `dimensions`, over all spans and forms.

        queries (S, dimensions) unit rows; positions (k,). Raises ValueError where the widths differ, or for codes
        without a single query.
        """
        if queries.shape[1] != dimensions:
            raise ValueError(f"queries of {queries.shape[1]} dimensions rescored at {dimensions}")
        if len(positions) == 0:
            return no_hits()
        if len(queries) == 0:
            raise ValueError("codes cannot be rescored without a query")
        hits = self._search.rescore(queries, positions)
        self._pages.count(len(positions))
        return hits

    def vectors(self, rows: Integers) -> Floats:
        """Full-width unit vectors of these forms: (n,) -> (n, D) float32."""
        vectors = prefix(self._forms[rows], self.manifest.dimensions)
        self._pages.count(len(rows))
        return vectors

    def prefix_vectors(self, dimensions: int) -> Floats:
        """All forms' unit prefixes of one of the manifest's widths, (F, dimensions), read-only."""
        return self._prefixes[dimensions]

    def owners(self, rows: Integers) -> Integers:
        """The position of the code that each form belongs to: (n,) -> (n,)."""
        return np.asarray(np.searchsorted(self._offsets, rows, side="right") - 1, dtype=np.int64)

    def release(self) -> None:
        """Give back the pages of the mapped matrix; what is read again comes from the system's cache of the file."""
        self._pages.release()

    def spare(self, sparing: bool) -> None:
        """Whether to hold few pages: another index is being opened beside this one."""
        self._pages.spare(sparing)

    def close(self) -> None:
        """Close the catalog. The mapped matrix goes with the last reference to it."""
        self.catalog.close()


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


def _map_forms(path: Path, manifest: Manifest) -> tuple[mmap.mmap, npt.NDArray[np.float16]]:
    shape = (manifest.counts.forms, manifest.dimensions)
    size = path.stat().st_size
    if size != shape[0] * shape[1] * 2:
        raise InconsistentError(path, f"{size} bytes do not hold {shape} half floats")
    with path.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    return mapped, np.frombuffer(mapped, dtype="<f2").reshape(shape)


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
