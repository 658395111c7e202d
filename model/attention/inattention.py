"""Inattention (PLANT, arXiv 2410.23066): only the k largest scores of a label are attended to.

Everything else becomes -inf BEFORE the softmax and so weighs exactly nothing. (Set to zero, as the authors' code does,
it would still weigh exp(0), and a negative score would be raised.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.nested import Floats

Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.floating[Any]]


def kept(scores: Scores, k: int | None) -> Mask:
    """(L, T) -> (L, T): the k largest scores of each row, exactly k where so many are finite; all finite for None.

    Of equal scores the first ones stay. Raises ValueError for k < 1.
    """
    if k is not None and k < 1:
        raise ValueError(f"inattention keeps {k} scores; at least 1 is needed")
    finite = np.isfinite(scores)
    if k is None or k >= scores.shape[-1]:
        return finite
    least = np.partition(scores, scores.shape[-1] - k, axis=-1)[:, -k, None]  # (L, 1), the k-th largest
    above, level = scores > least, scores == least
    room = k - above.sum(axis=-1, keepdims=True)
    return np.asarray((above | (level & (np.cumsum(level, axis=-1) <= room))) & finite)


def inattention(scores: Floats, k: int | None, real: Mask | None = None) -> Floats:
    """s'_lt = s_lt where t is among the k largest of label l, else -inf. real (T,): False for padding."""
    scores = scores if real is None else np.where(real, scores, np.float32(-np.inf))
    return np.where(kept(scores, k), scores, np.float32(-np.inf))


def softmax(scores: Floats) -> Floats:
    """softmax over tokens in float32, (L, T); a row without a finite score is all zeros: it attends to nothing."""
    scores = scores.astype(np.float32, copy=False)
    top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    weights = np.exp(scores - np.where(np.isfinite(top), top, np.float32(0)))
    total = weights.sum(axis=-1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, np.float32(1)), dtype=np.float32)
