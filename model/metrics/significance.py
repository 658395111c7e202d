"""Whether one system is better than another on the same notes: the paired approximate randomization test.

Under the null hypothesis the two systems are the same, and which of them a note's result came from is a coin's toss.
The results are exchanged note by note at random, many times; the p-value is how often the metrics then differ at least
as much as they did (Noreen 1989; Yeh 2000, "More accurate tests for the statistical significance of result
differences"). Nothing is assumed of the distribution, and the metric need not be a mean: F1 of all notes will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.metrics.ranking import Values

ROUNDS = 10_000
_BLOCK = 512  # rounds at a time: bounds the memory
_ROUNDING = 1e-12  # an exchange that changes nothing may differ in the last bits

Statistic = Callable[[Values, int], Values]
"""Sums over notes (R, C) and the number of notes -> the metric of each row, (R,)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """difference: metric of one less that of the other. p_value: two-sided, (exceeded + 1) / (rounds + 1)."""

    one: float
    other: float
    difference: float
    p_value: float
    rounds: int
    notes: int


def mean_of(totals: Values, notes: int) -> Values:
    """The statistic of a metric that is a mean over notes: AP, P@k, R@k, nDCG. C = 1."""
    return totals[:, 0] / notes


def micro_f1_of(totals: Values, notes: int) -> Values:
    """The statistic of micro F1 from C = 3 counts of each note: pairs right, predicted, gold; 0 when there are none."""
    right, predicted, gold = totals.T
    return np.where(predicted + gold > 0, 2 * right / np.maximum(predicted + gold, 1), 0.0)


def approximate_randomization(
    one: npt.ArrayLike,
    other: npt.ArrayLike,
    statistic: Statistic = mean_of,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Comparison:
    """Compare two systems by their results on the same notes in the same order, (N,) or (N, C).

    Notes that are NaN for both (no gold, say) are left out. Raises ValueError for other shapes, for a note that is NaN
    for one system only, and when no note is left.
    """
    if rounds < 1:
        raise ValueError(f"{rounds} rounds, expected at least 1")
    first, second = _paired(np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64))
    notes = len(first)
    totals = np.stack((first.sum(axis=0), second.sum(axis=0)))  # (2, C)
    measured = statistic(totals, notes)
    difference = float(measured[0] - measured[1])
    generator = np.random.default_rng(seed)
    exceeded = 0
    for start in range(0, rounds, _BLOCK):
        swapped = generator.random((min(_BLOCK, rounds - start), notes)) < 0.5
        exchanged = swapped.astype(np.float64) @ (second - first)  # (R, C): what the first system gains
        shuffled = statistic(totals[0] + exchanged, notes) - statistic(totals[1] - exchanged, notes)
        exceeded += int(np.count_nonzero(np.abs(shuffled) >= abs(difference) - _ROUNDING))
    p_value = (exceeded + 1) / (rounds + 1)
    return Comparison(float(measured[0]), float(measured[1]), difference, p_value, rounds, notes)


def _paired(one: Values, other: Values) -> tuple[Values, Values]:
    if one.shape != other.shape or one.ndim not in (1, 2):
        raise ValueError(f"results {one.shape} and {other.shape} must be one (N,) or (N, C)")
    first, second = (values if values.ndim == 2 else values[:, None] for values in (one, other))
    lost, missing = np.isnan(first).any(axis=1), np.isnan(second).any(axis=1)
    if (lost != missing).any():
        raise ValueError(f"{int((lost != missing).sum())} notes have a result of one system only")
    if lost.all():
        raise ValueError("no note has a result")
    return first[~lost], second[~lost]
