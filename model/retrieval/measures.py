"""mAP@k, P@k and R@k of neighbour lists: what is relevant is any row with the query's label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]


def neighbour_measures(rows: Labels, database: Labels, queries: Labels, k: int) -> dict[str, float]:
    """Means over the queries that have a relevant row in the database; NaN where none has.

    rows (Q, >= k) are database rows, best first; database (F,) and queries (Q,) are labels.
    mAP@k: sum over the relevant ranks i <= k of P@i, over min(k, relevant rows). P@k and R@k are over k and over the
    relevant rows. top-1: share of queries whose first row is relevant.
    """
    if rows.shape[1] < k:
        raise ValueError(f"{rows.shape[1]} neighbours are fewer than k = {k}")
    names, counts = np.unique(database, return_counts=True)
    places = np.minimum(np.searchsorted(names, queries), len(names) - 1)
    relevant = np.where(names[places] == queries, counts[places], 0)
    known = relevant > 0
    if not known.any():
        return {name: float("nan") for name in ("top-1", f"mAP@{k}", f"P@{k}", f"R@{k}")}
    hits = (database[rows[:, :k]] == queries[:, None])[known]
    relevant = relevant[known]
    precision = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    found = hits.sum(axis=1)
    return {
        "top-1": float(hits[:, 0].mean()),
        f"mAP@{k}": float(((precision * hits).sum(axis=1) / np.minimum(relevant, k)).mean()),
        f"P@{k}": float((found / k).mean()),
        f"R@{k}": float((found / relevant).mean()),
    }
