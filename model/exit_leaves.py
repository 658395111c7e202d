"""Where rows leave boosted trees, all trees and rows at once, without walking from node to node.

QuickScorer (Lucchese et al., SIGIR 2015): the leaves of a tree are numbered from left to right, and each inner node has
a mask of the leaves that remain when its test fails, all but those on its left. The row leaves at the first leaf that
every failed test has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.encoder import Integers
from model.nested import Floats

LEAF = -1
MOST_LEAVES = 64  # of a tree: as many as a mask has bits
_ROWS = 128  # at a time: what is looked at then stays in the cache
_ALL = np.uint64(2**64 - 1)

Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ExitLeaves:
    """Trees by test instead of by path: test m of tree t at [m, t]; trees with fewer have tests that cannot fail.

    feature: (M, T) int64; threshold: (M, T) float32; remaining: (M, T) uint64, the leaves when the test fails
    value: (T, L) float64, of the leaves from left to right
    """

    feature: Integers
    threshold: Floats
    remaining: Bits
    value: Doubles

    @classmethod
    def of(cls, feature: Integers, threshold: Doubles, left: Integers, right: Integers, value: Doubles) -> ExitLeaves:
        """From flat arrays, node n of tree t at [t, n]: the root first, children after their parent, LEAF as feature
        of leaves.

        Raises ValueError for a child before its parent or of two parents, and for more than MOST_LEAVES leaves.
        """
        inner = feature != LEAF
        if (inner & (np.minimum(left, right) <= np.arange(feature.shape[1]))).any():
            raise ValueError("a tree's node stands before its parent")
        below = np.arange(len(feature))[:, None] * feature.shape[1] + np.stack([left, right])
        children = below[:, inner]
        if len(np.unique(children)) < children.size:
            raise ValueError("a tree's node has two parents")
        count, start = _leaf_numbers(inner, left, right)
        if (most := int(count[:, 0].max())) > MOST_LEAVES:
            raise ValueError(f"a tree of {most} leaves: at most {MOST_LEAVES} can be told apart")
        leaves = np.zeros((len(feature), most))
        asking = inner & (count > 0)
        tree, node = np.nonzero(~inner & (count > 0))
        leaves[tree, start[tree, node]] = value[tree, node]
        on_left = np.take_along_axis(count, left, axis=1).astype(np.uint64)  # of an inner node at most 63
        gone = ((np.uint64(1) << on_left) - np.uint64(1)) << start.astype(np.uint64)
        tests = np.argsort(~asking, axis=1, kind="stable")[:, : max(1, most - 1)]

        def of_tests(of_nodes: npt.NDArray[Any], without: Any) -> npt.NDArray[Any]:
            return np.ascontiguousarray(np.take_along_axis(np.where(asking, of_nodes, without), tests, axis=1).T)

        return cls(
            of_tests(feature, 0),
            of_tests(_rounded_down(threshold), np.float32(np.inf)),
            of_tests(~gone, _ALL),
            leaves,
        )

    def values(self, rows: Floats) -> Doubles:
        """(k, F) float32 -> (k, T) float64: the value of the leaf at which each row leaves each tree."""
        out = np.empty((len(rows), len(self.value)))
        for start in range(0, len(rows), _ROWS):
            out[start : start + _ROWS] = self._values(rows[start : start + _ROWS])
        return out

    def _values(self, rows: Floats) -> Doubles:
        left = np.full((len(rows), len(self.value)), _ALL, dtype=np.uint64)
        for feature, threshold, remaining in zip(self.feature, self.threshold, self.remaining, strict=True):
            left &= np.where(rows[:, feature] > threshold, remaining, _ALL)
        first = left & (~left + np.uint64(1))  # the lowest bit alone, a power of two: exact as a float
        leaf = np.frexp(first.astype(np.float64))[1] - 1
        return np.asarray(self.value[np.arange(len(self.value)), leaf])


def _leaf_numbers(inner: Mask, left: Integers, right: Integers) -> tuple[Integers, Integers]:
    """(T, N) each: how many leaves a node has below it or is, and the number of the first; 0 for nodes in no tree."""
    trees, nodes = np.arange(len(inner)), range(inner.shape[1])
    count, start = np.ones(inner.shape, dtype=np.int64), np.zeros(inner.shape, dtype=np.int64)
    used = np.zeros(inner.shape, dtype=np.bool_)
    used[:, 0] = True
    for node in reversed(nodes):
        below = count[trees, left[:, node]] + count[trees, right[:, node]]
        count[:, node] = np.where(inner[:, node], below, 1)
    for node in nodes:
        parents = np.flatnonzero(inner[:, node] & used[:, node])
        first, second = left[parents, node], right[parents, node]
        start[parents, first] = start[parents, node]
        start[parents, second] = start[parents, node] + count[parents, first]
        used[parents, first] = used[parents, second] = True
    return np.where(used, count, 0), start


def _rounded_down(thresholds: Doubles) -> Floats:
    """The largest float32 not above each: a float32 is above the one exactly where it is above the other."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
