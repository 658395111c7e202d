"""Adaptive retrieval: a shortlist by a short prefix, put in order by a longer one (Kusupati et al. 2022, 4.3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.nested import Floats, prefix

Rows = npt.NDArray[np.int64]

QUERY_BLOCK = 64
FORM_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Rows of the database for each query, best first, and their cosines: (Q, k), (Q, k)."""

    rows: Rows
    scores: Floats

    def top(self, count: int) -> Retrieved:
        """The best `count` of each query."""
        return Retrieved(self.rows[:, :count], self.scores[:, :count])


def search(queries: Floats, database: Floats, dimensions: int, width: int) -> Retrieved:
    """Exact search by one prefix, re-normalised: (Q, D) in (F, D) -> the best `width` rows; ties by row."""
    asked, found = prefix(queries, dimensions), []
    width = min(width, len(database))
    for start in range(0, len(asked), QUERY_BLOCK):
        block = asked[start : start + QUERY_BLOCK]
        scores = np.empty((len(block), len(database)), dtype=np.float32)
        for row in range(0, len(database), FORM_BLOCK):
            scores[:, row : row + FORM_BLOCK] = block @ prefix(database[row : row + FORM_BLOCK], dimensions).T
        found.append(_best(scores, width))
    if not found:
        return Retrieved(np.zeros((0, width), dtype=np.int64), np.zeros((0, width), dtype=np.float32))
    return Retrieved(np.concatenate([f.rows for f in found]), np.concatenate([f.scores for f in found]))


def rerank(queries: Floats, database: Floats, rows: Rows, dimensions: int, width: int) -> Retrieved:
    """The best `width` of each query's own rows (Q, k) by a prefix, re-normalised; ties by row."""
    asked = prefix(queries, dimensions)
    scores = np.empty(rows.shape, dtype=np.float32)
    for query, own in enumerate(rows):
        scores[query] = prefix(database[own], dimensions) @ asked[query]
    order = np.lexsort((rows, -scores), axis=1)[:, :width]
    return Retrieved(np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1))


def adaptive(queries: Floats, database: Floats, shortlist: int, short: int, long: int) -> Retrieved:
    """A shortlist by `short` dimensions (the paper's D_s), in the order of `long` dimensions (D_r)."""
    first = search(queries, database, short, shortlist)
    return rerank(queries, database, first.rows, long, shortlist)


def megaflops(database: int, first: int, stages: tuple[tuple[int, int], ...] = ()) -> float:
    """MFLOP of one query: search of `database` rows by `first` dimensions, then (rows, dimensions) reranked each.

    A multiplication and an addition are two operations; the paper counts them as one.
    """
    return 2 * (database * first + sum(rows * dimensions for rows, dimensions in stages)) / 1e6


def _best(scores: Floats, width: int) -> Retrieved:
    """The best `width` columns of each row. Equal scores at the edge are settled by column."""
    if width < scores.shape[1]:
        least = -np.partition(-scores, width - 1, axis=1)[:, width - 1]
    else:
        least = np.full(len(scores), -np.inf, dtype=np.float32)
    rows = np.empty((len(scores), width), dtype=np.int64)
    for query, row in enumerate(scores):
        above = np.flatnonzero(row > least[query])
        level = np.flatnonzero(row == least[query])[: width - len(above)]
        chosen = np.concatenate([above, level])
        rows[query] = chosen[np.lexsort((chosen, -row[chosen]))]
    return Retrieved(rows, np.take_along_axis(scores, rows, axis=1))
