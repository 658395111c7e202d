"""How far probabilities can be believed: the reliability curve, expected calibration error, Brier score.

probabilities (T,) within 0..1, outcomes (T,) bool: the pair is gold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from model.metrics.ranking import Values

BINS = 15  # Guo et al. 2017

Outcomes = npt.NDArray[np.bool_]
Binning = Literal["width", "mass"]


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of the curve: `count` pairs with probabilities from lowest to highest.

    confidence: their mean probability; accuracy: the share of them that is gold
    """

    lowest: float
    highest: float
    count: int
    confidence: float
    accuracy: float


def reliability(probabilities: Values, outcomes: Outcomes, bins: int = BINS, by: Binning = "width") -> list[Bin]:
    """The curve's points in rising order, empty bins left out.

    width: ((m - 1) / M, m / M] for m = 1..M, 0 with the first (Guo et al. 2017)
    mass:  M bins of as equal counts as ties allow: equal probabilities share a bin, so that the order of the pairs does
           not matter (adaptive binning, Nguyen and O'Connor 2015)
    Raises ValueError for other shapes or values.
    """
    _check(probabilities, outcomes, bins)
    if not len(probabilities):
        return []
    order = np.argsort(probabilities, kind="stable")
    values, hits = probabilities[order], outcomes[order]
    if by == "width":
        cuts = np.searchsorted(values, np.arange(1, bins) / bins, side="right")
    else:
        cuts = np.searchsorted(values, values[np.arange(1, bins) * len(values) // bins], side="left")
    bounds = np.unique(np.concatenate(([0], cuts, [len(values)])))
    return [_bin(values[start:stop], hits[start:stop]) for start, stop in zip(bounds[:-1], bounds[1:], strict=True)]


def expected_calibration_error(curve: Sequence[Bin]) -> float:
    """ECE = sum over bins of n_b / n |accuracy_b - confidence_b| (Naeini et al. 2015; Guo et al. 2017, equation 3)."""
    total = sum(one.count for one in curve)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in curve) / total if total else float("nan")


def maximum_calibration_error(curve: Sequence[Bin]) -> float:
    """The largest gap of any bin (Guo et al. 2017, equation 5); NaN without bins."""
    return max((abs(one.accuracy - one.confidence) for one in curve), default=float("nan"))


def brier_score(probabilities: Values, outcomes: Outcomes) -> float:
    """Mean squared difference of probability and outcome (Brier 1950); NaN without pairs."""
    _check(probabilities, outcomes, 1)
    return float(np.mean((probabilities - outcomes) ** 2)) if len(outcomes) else float("nan")


def _bin(values: Values, hits: Outcomes) -> Bin:
    return Bin(float(values[0]), float(values[-1]), len(values), float(values.mean()), float(hits.mean()))


def _check(probabilities: Values, outcomes: Outcomes, bins: int) -> None:
    if bins < 1:
        raise ValueError(f"{bins} bins, expected at least 1")
    if probabilities.ndim != 1 or probabilities.shape != outcomes.shape:
        raise ValueError(f"probabilities {probabilities.shape} and outcomes {outcomes.shape} must be one (T,)")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("probabilities must be within 0..1")
