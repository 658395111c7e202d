"""Attention over a note that comes in windows: a running state per label, equal to reading the note in one piece.

Milakov and Gimelshein 2018, "Online normalizer calculation for softmax", algorithm 3: with m the running maximum and
d the running sum of exp(s - m), a new window rescales what was summed by exp(m_old - m_new). Inattention needs one
thing more: the k largest scores so far, because a later window may push one of them out.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.attention.inattention import Mask, Scores, kept

Doubles = npt.NDArray[np.float64]


class OnlineAttention(Protocol):
    """sum over tokens of softmax(scores) x values, for L labels, window by window."""

    def read(self, scores: Scores, values: Scores) -> None:
        """The next window: scores and values (L, t). A score of -inf is not attended to."""
        ...

    def attended(self) -> Doubles:
        """(L,) the weighted values so far; 0 for a label that attends to nothing."""
        ...

    def attends(self) -> Mask:
        """(L,) the labels with a finite score so far."""
        ...


def online(labels: int, k: int | None) -> OnlineAttention:
    """A new state for so many labels; k: inattention, None = every token."""
    return OnlineSoftmax(labels) if k is None else OnlineTopK(labels, k)


class OnlineSoftmax:
    """Running maximum, sum and weighted value, each (L,)."""

    def __init__(self, labels: int) -> None:
        self._top = np.full(labels, -np.inf)
        self._sum = np.zeros(labels)
        self._weighted = np.zeros(labels)

    def read(self, scores: Scores, values: Scores) -> None:
        """m' = max(m, max s); d' = d exp(m - m') + sum exp(s - m'); o' = o exp(m - m') + sum exp(s - m') v."""
        top = np.maximum(self._top, scores.max(axis=1, initial=-np.inf))
        base = np.where(np.isfinite(top), top, 0.0)
        weights = np.exp(scores - base[:, None])
        rescale = np.exp(self._top - base)
        self._sum = self._sum * rescale + weights.sum(axis=1)
        self._weighted = self._weighted * rescale + (weights * values).sum(axis=1)
        self._top = top

    def attended(self) -> Doubles:
        """(L,)."""
        return np.asarray(self._weighted / np.where(self._sum > 0, self._sum, 1.0))

    def attends(self) -> Mask:
        """(L,)."""
        return self._sum > 0


class OnlineTopK:
    """The k largest scores so far and their values, (L, k), in the order of the text; empty places score -inf."""

    def __init__(self, labels: int, k: int) -> None:
        self._k = k
        self._scores = np.full((labels, k), -np.inf)
        self._values = np.zeros((labels, k))

    def read(self, scores: Scores, values: Scores) -> None:
        """Keep the k largest of what was kept and what is new; of equal scores the earlier."""
        both = np.concatenate([self._scores, scores], axis=1)
        order = np.argsort(~kept(both, self._k), axis=1, kind="stable")[:, : self._k]
        self._scores = np.take_along_axis(both, order, axis=1)
        self._values = np.take_along_axis(np.concatenate([self._values, values], axis=1), order, axis=1)

    def attended(self) -> Doubles:
        """(L,)."""
        state = OnlineSoftmax(len(self._scores))
        state.read(self._scores, self._values)
        return state.attended()

    def attends(self) -> Mask:
        """(L,)."""
        return np.asarray(np.isfinite(self._scores).any(axis=1))
