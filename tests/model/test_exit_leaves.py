"""The leaves at which rows leave boosted trees: those that a walk from node to node finds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.encoder import Integers
from model.exit_leaves import LEAF, MOST_LEAVES, Doubles, ExitLeaves
from model.nested import Floats

FEATURES, TREES = 4, 5


class Grown:
    """Random trees as flat arrays: leaf after leaf is split at a random test."""

    def __init__(self, seed: int, leaves: int) -> None:
        rng = np.random.default_rng(seed)
        shape = (TREES, 2 * leaves - 1)
        self.feature: Integers = np.full(shape, LEAF, dtype=np.int64)
        self.left, self.right = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.threshold, self.value = rng.normal(size=shape), rng.normal(size=shape)
        for tree in range(TREES):
            for used in range(1, 2 * int(rng.integers(1, leaves + 1)) - 1, 2):  # of unlike sizes, down to a bare root
                node = rng.choice(np.flatnonzero(self.feature[tree, :used] == LEAF))
                self.feature[tree, node] = rng.integers(FEATURES)
                self.left[tree, node], self.right[tree, node] = used, used + 1

    def exits(self) -> ExitLeaves:
        return ExitLeaves.of(self.feature, self.threshold, self.left, self.right, self.value)

    def walked(self, row: npt.NDArray[np.float32]) -> list[float]:
        """The slow way, in double precision."""
        found = []
        for tree in range(TREES):
            node = 0
            while self.feature[tree, node] != LEAF:
                goes_left = float(row[self.feature[tree, node]]) <= self.threshold[tree, node]
                node = int((self.left if goes_left else self.right)[tree, node])
            found.append(float(self.value[tree, node]))
        return found


def rows_of(seed: int, count: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, FEATURES)).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(1, MOST_LEAVES))
def test_rows_leave_where_a_walk_ends(seed: int, leaves: int) -> None:
    trees, rows = Grown(seed, leaves), rows_of(seed + 1, 9)
    np.testing.assert_array_equal(trees.exits().values(rows), [trees.walked(row) for row in rows])


def test_a_value_at_a_threshold_goes_left_and_one_just_above_it_right() -> None:
    """The thresholds lie between two float32 numbers and on one: rounding must not move a row to the other side."""
    least: Doubles = np.array([[0.1, 0, 0], [0.25, 0, 0]])
    inner = np.array([[0, LEAF, LEAF]] * 2)
    left, right = np.array([[1, 0, 0]] * 2), np.array([[2, 0, 0]] * 2)
    exits = ExitLeaves.of(inner, least, left, right, np.array([[0.0, -1.0, 1.0]] * 2))
    near = [np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(0)), np.float32(0.25)]
    above = np.nextafter(np.float32(0.25), np.float32(1))
    values = exits.values(np.array([[x] for x in (*near, above)], dtype=np.float32))
    assert float(near[0]) > 0.1  # the nearest float32 is above the threshold
    assert values[:, 0].tolist() == [1.0, -1.0, 1.0, 1.0]
    assert values[:, 1].tolist() == [-1.0, -1.0, -1.0, 1.0]


def test_more_rows_than_are_looked_at_together() -> None:
    trees, rows = Grown(5, 20), rows_of(6, 300)
    together = trees.exits().values(rows)
    np.testing.assert_array_equal(together, np.concatenate([trees.exits().values(row[None]) for row in rows]))


def test_no_rows_leave_nowhere() -> None:
    assert Grown(7, 6).exits().values(rows_of(8, 0)).shape == (0, TREES)


def test_a_tree_of_too_many_leaves_is_refused() -> None:
    nodes = 2 * MOST_LEAVES + 1
    feature = np.where(np.arange(nodes) % 2 == 0, 0, LEAF)[None]
    feature[0, -1] = LEAF  # a spine: every other node has a leaf on its left
    left, right = np.arange(nodes)[None] + 1, np.arange(nodes)[None] + 2
    empty = np.zeros((1, nodes))
    with pytest.raises(ValueError, match=rf"{MOST_LEAVES + 1} leaves: at most {MOST_LEAVES}"):
        ExitLeaves.of(feature, empty, np.where(feature == 0, left, 0), np.where(feature == 0, right, 0), empty)


def test_a_node_before_its_parent_is_refused() -> None:
    feature = np.array([[0, LEAF, LEAF]])
    with pytest.raises(ValueError, match="before its parent"):
        ExitLeaves.of(feature, np.zeros((1, 3)), np.array([[0, 0, 0]]), np.array([[2, 0, 0]]), np.zeros((1, 3)))


def test_a_node_of_two_parents_is_refused() -> None:
    feature = np.array([[0, LEAF, LEAF]])
    with pytest.raises(ValueError, match="two parents"):
        ExitLeaves.of(feature, np.zeros((1, 3)), np.array([[2, 0, 0]]), np.array([[2, 0, 0]]), np.zeros((1, 3)))
