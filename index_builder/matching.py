"""Maxima of span x form similarities, and their grouping by code: plain array functions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from model.encoder import Integers
from model.halves import widen
from model.nested import PLACES, Floats

FORM_BLOCK = 1024
SPAN_BLOCK = 512  # a block of similarities is 2 MB at most and stays in cache
ROW_BLOCK = 256  # rows that are widened to float32 at a time: .8 MB at full width
TINY = 1e-12  # length below which a vector counts as zero


def form_maxima(queries: Floats, blocks: Iterable[Floats], count: int) -> Floats:
    """Best similarity over all spans of each form: queries (S, d), blocks of (<= FORM_BLOCK, d) -> (count,).

    Forms are the rows of the product, since maxima along a row are fast.
    """
    best = np.full(count, -np.inf, dtype=np.float32)
    buffer = np.empty((FORM_BLOCK, min(len(queries), SPAN_BLOCK)), dtype=np.float32)
    start = 0
    for block in blocks:
        part = best[start : start + len(block)]
        for row in range(0, len(queries), SPAN_BLOCK):
            spans = queries[row : row + SPAN_BLOCK]
            similarities = buffer[: len(block), : len(spans)]
            np.matmul(block, spans.T, out=similarities)
            np.maximum(part, similarities.max(axis=1), out=part)
        start += len(block)
    return best


def best_spans(queries: Floats, vectors: Floats) -> tuple[Floats, Integers]:
    """Best similarity of each vector and the first query that has it: (S, d) x (n, d) -> (n,), (n,)."""
    scores = np.full(len(vectors), -np.inf, dtype=np.float32)
    spans = np.zeros(len(vectors), dtype=np.int64)
    for row in range(0, len(queries), SPAN_BLOCK):
        similarities = np.matmul(vectors, queries[row : row + SPAN_BLOCK].T)
        first = similarities.argmax(axis=1)
        found = similarities[np.arange(len(vectors)), first]
        better = found > scores
        scores[better], spans[better] = found[better], first[better] + row
    return scores, spans


def nearest_spans(queries: Floats, forms: npt.NDArray[np.float16], rows: Integers) -> tuple[Floats, Integers]:
    """As `best_spans` with prefixes that are cut from full vectors as they are read: queries (S, d), forms (F, D), rows
    (n,) -> cosines (n,), spans (n,).

    Lengths divide the maxima and not the vectors: a maximum needs no other length. A zero row gives 0. Cosines have
    PLACES decimals, so that equal ones are equal.
    """
    dimensions = queries.shape[1]
    scores = np.empty(len(rows), dtype=np.float32)
    spans = np.empty(len(rows), dtype=np.int64)
    buffer = np.empty((ROW_BLOCK, dimensions), dtype=np.float32)
    for start in range(0, len(rows), ROW_BLOCK):
        chosen = rows[start : start + ROW_BLOCK]
        vectors = buffer[: len(chosen)]
        widen(forms[chosen, :dimensions], vectors)
        best, found = best_spans(queries, vectors)
        lengths = np.sqrt(np.vecdot(vectors, vectors))
        scores[start : start + ROW_BLOCK] = np.round(best / np.maximum(lengths, TINY), PLACES)
        spans[start : start + ROW_BLOCK] = found
    return scores, spans


def form_rows(offsets: Integers, positions: Integers) -> tuple[Integers, Integers]:
    """Rows of all forms of the given codes laid end to end (n,), and where each code's rows begin (k,)."""
    lengths = offsets[positions + 1] - offsets[positions]
    starts = np.cumsum(lengths) - lengths
    rows = np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(offsets[positions] - starts, lengths)
    return rows, starts


def first_maxima(values: Floats, starts: Integers) -> Integers:
    """Index of the first largest value of each group; groups begin at `starts`, are not empty, and cover all."""
    lengths = np.diff(starts, append=len(values))
    largest = np.repeat(np.maximum.reduceat(values, starts), lengths)
    groups = np.repeat(np.arange(len(starts)), lengths)
    hits = np.flatnonzero(values == largest)
    _, first = np.unique(groups[hits], return_index=True)
    return np.asarray(hits[first], dtype=np.int64)


def best_positions(scores: Floats, width: int, allowed: npt.NDArray[np.bool_] | None) -> Integers:
    """The `width` best allowed positions, best first; equal scores in the order of position."""
    positions = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    if width < len(positions):
        kept = scores[positions]
        least = np.partition(kept, len(kept) - width)[len(kept) - width]
        above = positions[kept > least]
        level = positions[kept == least][: width - len(above)]
        positions = np.concatenate([above, level])
    return np.asarray(positions[np.lexsort((positions, -scores[positions]))], dtype=np.int64)
