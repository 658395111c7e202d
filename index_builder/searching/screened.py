"""The default search: stage one looks at all forms in integers first, and in float32 at those that can still win.

A product of bytes takes a third of the time of one of float32. What it is off by is bounded: of a form v, as bytes v',
and a span q, as bytes q', |q v - q' v'| <= |q| |v - v'| + |q - q'| |v'|, and all four lengths are known. A form whose
upper bound is below the lower bounds of as many codes as are asked for cannot be among the answers; the others are
multiplied again. So the answers are those of the float32 product, on every processor (docs/decisions/0044).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from index_builder.hits import CodeHits
from index_builder.matching import SPAN_BLOCK, form_maxima
from index_builder.searching.extract import Extract, Extracts
from index_builder.searching.port import Mask, Storage
from index_builder.searching.product import ProductSearch
from model import onnx_wire
from model.encoder import Integers
from model.nested import Floats

# Bytes below 128 on the unsigned side: processors without VNNI sum two products in 16 bits.
_FORM_LEVELS: Final = 63
_ZERO: Final = 64
_SPAN_LEVELS: Final = 127
_SLACK: Final = 1e-5  # the last bits of float32 products, and of the bound itself
_LEAST: Final = 1e-9  # scale of a row of zeros
_SIMILARITIES: Final = 1 << 19  # of one run: 2 MB, which stay in cache
_EXACT_ROWS: Final = 1024  # of a block of float32


@dataclass(frozen=True, slots=True)
class Quantised:
    """Forms as bytes: row = scale x (values - 64).

    values: (f, d) uint8, 1..127; scales: (f,) float32; errors: (f,) float32, length of what a row is off by
    """

    values: npt.NDArray[np.uint8]
    scales: Floats
    errors: Floats


class ScreenedSearch:
    """See the port for arguments."""

    name = "screened"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._product = ProductSearch(storage)
        self._extracts = Extracts[Quantised](storage, quantised, worth=1.0)
        self._session = _session()

    def search(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """Stage one. Where nothing is left out, as when an index is checked, no bytes are made for a few queries."""
        extract = None if allowed is None else self._extracts.of(allowed, queries.shape[1])
        if extract is None:
            return self._product.search(queries, width, allowed, bias)
        added = None if bias is None else bias[extract.codes]
        close = self._close(extract, queries, width, added)
        by_form = np.full(len(extract.rows), -np.inf, dtype=np.float32)
        by_form[close] = self._exactly(queries, extract.rows[close])
        return self._product.best_of(extract, by_form, queries, width, bias)

    def search_exact(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """The oracle takes no short cut."""
        return self._product.search_exact(queries, width, allowed, bias)

    def rescore(self, queries: Floats, positions: Integers) -> CodeHits:
        """A few rows of the file."""
        return self._product.rescore(queries, positions)

    def _close(self, extract: Extract[Quantised], queries: Floats, width: int, added: Floats | None) -> Integers:
        """Rows of the extract that can be the best form of one of the `width` best codes, rising."""
        held = extract.held
        step = max(float(np.abs(queries).max()), _LEAST) / _SPAN_LEVELS
        spans = np.round(queries / step).astype(np.int8)
        off = float(np.linalg.norm(queries - step * spans, axis=1).max())
        about = held.scales * step * self._maxima(held.values, spans)
        bound = held.errors + off * (1 + held.errors) + _SLACK
        low, high = np.maximum.reduceat(about - bound, extract.starts), about + bound
        if added is not None:
            low, high = low + added, high + np.repeat(added, np.diff(extract.starts, append=len(high)))
        if width >= len(low):
            return np.arange(len(high))
        return np.flatnonzero(high >= np.partition(low, len(low) - width)[len(low) - width])

    def _maxima(self, values: npt.NDArray[np.uint8], spans: npt.NDArray[np.int8]) -> Floats:
        """Largest integer product over all spans of each form: (f, d) x (S, d) -> (f,)."""
        best = np.full(len(values), -np.inf, dtype=np.float32)
        for first in range(0, len(spans), SPAN_BLOCK):
            columns = np.ascontiguousarray(spans[first : first + SPAN_BLOCK].T)
            rows = _SIMILARITIES // columns.shape[1]
            for start in range(0, len(values), rows):
                part = best[start : start + rows]
                inputs = {"forms": values[start : start + rows], "spans": columns}
                np.maximum(part, self._session.run(None, inputs)[0], out=part)
        return best

    def _exactly(self, queries: Floats, rows: Integers) -> Floats:
        """Best cosine of each of these forms, as the float32 product has it: (n,) -> (n,)."""
        vectors = self._storage.prefixes[queries.shape[1]]
        blocks = (vectors[rows[start : start + _EXACT_ROWS]] for start in range(0, len(rows), _EXACT_ROWS))
        return form_maxima(queries, blocks, len(rows))


def quantised(vectors: Floats, rows: Integers) -> Quantised:
    """Rows (f,) of (F, d) as bytes, each by its own largest magnitude; no float32 copy of all of them is made."""
    values = np.empty((len(rows), vectors.shape[1]), dtype=np.uint8)
    scales, errors = np.empty(len(rows), dtype=np.float32), np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _EXACT_ROWS):
        place = slice(start, start + _EXACT_ROWS)
        block = vectors[rows[place]]
        step = np.maximum(np.abs(block).max(axis=1), _LEAST) / _FORM_LEVELS
        levels = np.round(block / step[:, None])
        values[place], scales[place] = levels + _ZERO, step
        errors[place] = np.linalg.norm(block - levels * step[:, None], axis=1)
    return Quantised(values, scales, errors)


def _session() -> Any:
    """forms (f, d) uint8, spans (d, s) int8 -> (f,) largest products as float32; one thread, as all of the search."""
    nodes = [
        onnx_wire.node("MatMulInteger", ["forms", "spans", "zero"], ["products"], "", {}),
        onnx_wire.node("ReduceMax", ["products", "columns"], ["most"], "", {"keepdims": 0}),
        onnx_wire.node("Cast", ["most"], ["best"], "", {"to": onnx_wire.KINDS["float32"]}),
    ]
    constants = [
        onnx_wire.tensor("zero", np.array(_ZERO, dtype=np.uint8)),
        onnx_wire.tensor("columns", np.array([1], dtype=np.int64)),
    ]
    inputs = [onnx_wire.value("forms", "uint8", ["f", "d"]), onnx_wire.value("spans", "int8", ["d", "s"])]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnx_wire.model("screen", nodes, constants, inputs, [onnx_wire.value("best", "float32", ["f"])])
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
