"""Thresholds of a cascade that may stop early, learned on held-out examples.

One search serves classifiers that stop at a sure prefix and rankings that stop at a clear margin: every example has a
confidence at each exit, a quality whichever exit it takes, and every exit has a cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

COMBINATIONS = 2_000  # at most so many sets of thresholds are tried for all exits but the last
ROUNDING = 1e-9  # means are sums in another order than the target


@dataclass(frozen=True, slots=True)
class Learned:
    """Thresholds and what they gave on the examples that they were learned on.

    thresholds: one per exit but the last; inf = never stop here
    quality:    mean quality of the examples where they stopped
    cost:       mean cost
    """

    thresholds: tuple[float, ...]
    quality: float
    cost: float


def exits(confidence: Values, thresholds: tuple[float, ...]) -> npt.NDArray[np.int64]:
    """The first exit whose confidence reaches its threshold: (N, E - 1) and E - 1 thresholds -> (N,) in 0..E - 1.

    A threshold of inf is reached by nothing, not even by a confidence of inf.
    """
    limits = np.asarray(thresholds)
    taken = (confidence >= limits) & np.isfinite(limits)
    first = (
        np.where(taken.any(axis=1), taken.argmax(axis=1), confidence.shape[1]) if taken.size else np.zeros(len(taken))
    )
    return np.asarray(first, dtype=np.int64)


def learn_thresholds(confidence: Values, quality: Values, costs: Values, target: float) -> Learned:
    """The cheapest thresholds whose mean quality is at least `target`; of equally cheap ones the best.

    confidence (N, E - 1), quality (N, E), costs (E,); the last exit has no threshold. The candidates of an exit are
    quantiles of its confidences, of the last but one all of them, and inf. Where no set reaches the target, every
    example goes to the last exit. Raises ValueError where the shapes differ or there is no example.
    """
    examples, stages = quality.shape
    if confidence.shape != (examples, stages - 1) or costs.shape != (stages,) or not examples or stages < 2:
        raise ValueError(f"confidence {confidence.shape}, quality {quality.shape}, costs {costs.shape} do not fit")
    best = Learned((np.inf,) * (stages - 1), float(quality[:, -1].mean()), float(costs[-1]))
    for early in product(*(_candidates(column, stages - 2) for column in confidence[:, :-1].T)):
        found = _with_last(early, confidence, quality, costs, target)
        if found is not None and (found.cost, -found.quality) < (best.cost, -best.quality):
            best = found
    return best


def _with_last(
    early: tuple[float, ...], confidence: Values, quality: Values, costs: Values, target: float
) -> Learned | None:
    """The best threshold of the last exit but one, given the earlier ones; examples leave in order of confidence."""
    taken = exits(confidence[:, :-1], early)
    left = taken == len(early)  # still in the cascade
    stopped = quality[np.arange(len(quality)), taken][~left].sum(), costs[taken][~left].sum()
    rows = np.flatnonzero(left)[np.argsort(-confidence[left, -1], kind="stable")]
    sure = confidence[rows, -1]
    gained = np.concatenate([[0.0], np.cumsum(quality[rows, -2] - quality[rows, -1])])
    leaving = np.arange(len(rows) + 1)  # how many of them stop at this exit
    means = (stopped[0] + quality[rows, -1].sum() + gained) / len(quality)
    prices = (stopped[1] + len(rows) * costs[-1] - leaving * (costs[-1] - costs[-2])) / len(quality)
    parts = np.append(sure[:-1] != sure[1:], True) & np.isfinite(sure) if len(rows) else np.zeros(0, dtype=np.bool_)
    allowed = np.flatnonzero(np.concatenate([[True], parts]) & (means >= target - ROUNDING))
    if not len(allowed):
        return None
    chosen = int(allowed[np.lexsort((-means[allowed], prices[allowed]))[0]])
    threshold = float(sure[chosen - 1]) if chosen else np.inf
    return Learned((*early, threshold), float(means[chosen]), float(prices[chosen]))


def _candidates(confidence: Values, dimensions: int) -> list[float]:
    count = min(200, max(2, int(COMBINATIONS ** (1 / dimensions)) - 1))
    finite = confidence[np.isfinite(confidence)]
    if not len(finite):
        return [np.inf]
    quantiles = np.quantile(finite, np.linspace(0, 1, count), method="lower")
    return [*np.unique(quantiles).tolist(), np.inf]
