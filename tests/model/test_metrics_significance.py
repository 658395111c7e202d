"""The randomization test against the exact one, which tries every exchange."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from model.metrics.significance import Statistic, approximate_randomization, mean_of, micro_f1_of


def exact(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], statistic: Statistic) -> float:
    """The share of all 2^N exchanges that differ at least as much."""

    def difference(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
        totals = np.stack((first.sum(axis=0), second.sum(axis=0)))
        metrics = statistic(totals, len(first))
        return float(abs(metrics[0] - metrics[1]))

    observed = difference(one, other)
    masks = [np.array(bits, dtype=np.bool_)[:, None] for bits in product((False, True), repeat=len(one))]
    swapped = [difference(np.where(mask, other, one), np.where(mask, one, other)) for mask in masks]
    return float(np.mean(np.array(swapped) >= observed - 1e-12))


@pytest.mark.parametrize("seed", range(4))
def test_means_come_near_the_exact_test(seed: int) -> None:
    generator = np.random.default_rng(seed)
    one, other = generator.random((9, 1)) + 0.15, generator.random((9, 1))
    found = approximate_randomization(one[:, 0], other[:, 0], rounds=20_000)
    assert found.p_value == pytest.approx(exact(one, other, mean_of), abs=0.015)
    assert found.difference == pytest.approx(float(one.mean() - other.mean()))
    assert (found.notes, found.rounds) == (9, 20_000)


@pytest.mark.parametrize("seed", range(4))
def test_micro_f1_comes_near_the_exact_test(seed: int) -> None:
    generator = np.random.default_rng(seed)
    gold = generator.integers(1, 8, 9)
    one, other = (
        np.stack((generator.integers(0, gold + 1), gold + generator.integers(0, 4, 9), gold), axis=1).astype(np.float64)
        for _ in range(2)
    )
    found = approximate_randomization(one, other, micro_f1_of, rounds=20_000)
    assert found.p_value == pytest.approx(exact(one, other, micro_f1_of), abs=0.015)
    assert found.one == pytest.approx(2 * one[:, 0].sum() / (one[:, 1] + one[:, 2]).sum())


def test_the_same_results_never_differ() -> None:
    assert approximate_randomization([0.1, 0.2, 0.7], [0.1, 0.2, 0.7]).p_value == 1.0


def test_a_steady_gain_is_significant_and_its_sign_is_kept() -> None:
    worse = np.random.default_rng(0).random(60)
    found = approximate_randomization(worse + 0.1, worse, rounds=999)
    assert found.p_value == 1 / 1000  # never reached, and never 0
    assert approximate_randomization(worse, worse + 0.1, rounds=999).difference == pytest.approx(-0.1)


def test_a_null_effect_is_called_significant_as_often_as_promised() -> None:
    drawn = np.random.default_rng(5).normal(size=(300, 2, 25))
    values = [
        approximate_randomization(one, other, rounds=199, seed=seed).p_value for seed, (one, other) in enumerate(drawn)
    ]
    assert 0.02 <= float(np.mean(np.array(values) <= 0.05)) <= 0.09


def test_a_seed_repeats_the_test() -> None:
    one, other = np.random.default_rng(1).random((2, 30))
    assert approximate_randomization(one, other, seed=3) == approximate_randomization(one, other, seed=3)
    assert approximate_randomization(one, other, seed=3) != approximate_randomization(one, other, seed=4)


def test_notes_without_gold_are_left_out() -> None:
    assert approximate_randomization([0.5, math.nan, 1.0], [0.5, math.nan, 0.0]).notes == 2


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ([0.5], [0.5, 0.6], "must be one"),
        ([math.nan, 0.5], [0.5, 0.5], "1 notes have a result of one system only"),
        ([math.nan], [math.nan], "no note has a result"),
        ([], [], "no note has a result"),
    ],
)
def test_results_of_other_notes_are_refused(one: list[float], other: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        approximate_randomization(one, other)


def test_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="0 rounds"):
        approximate_randomization([0.5], [0.5], rounds=0)
