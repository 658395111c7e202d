"""Metrics of ranked lists that weigh hits: nDCG@k, the mAP@k of retrieval, and propensity-scored precision.

Where a ranking was judged against its gold (ranking.judge), its gold that was never ranked counts in every ideal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
import numpy.typing as npt

from model.metrics.ranking import Judged, Values

PROPENSITY_A, PROPENSITY_B = 0.55, 1.5  # Jain et al. 2016, for corpora without parameters of their own


def ndcgs_at(judged: Judged, k: int) -> Values:
    """Normalised discounted cumulative gain of each ranking with binary relevance, (N,). NaN without gold.

    DCG@k = sum over the hits at ranks r <= k of 1 / log2(r + 1); nDCG@k = DCG@k / that of min(k, |gold|) hits at the
    top (Jarvelin and Kekalainen 2002; AttentionXML and the extreme classification repository define it so).
    """
    _check_depth(k)
    hits = judged.hits[:, :k]
    found = (hits * _discounts(hits.shape[1])).sum(axis=1)
    ideal = np.append(0.0, np.cumsum(_discounts(k)))[np.minimum(judged.gold, k)]
    return np.where(judged.gold > 0, found / np.where(ideal > 0, ideal, 1.0), np.nan)


def graded_ndcg(relevance: npt.ArrayLike, scores: npt.ArrayLike, k: int) -> float:
    """nDCG@k of ranking T items by score, with graded relevance: gain 2^relevance - 1 (Burges et al. 2005, LambdaRank).

    relevance, scores (T,). Ties of score stand in the order given; NaN when nothing is relevant.
    """
    _check_depth(k)
    grades, values = np.asarray(relevance, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if grades.ndim != 1 or grades.shape != values.shape:
        raise ValueError(f"relevance {grades.shape} and scores {values.shape} must be one (T,)")
    if (grades < 0).any():
        raise ValueError("relevance is not negative")
    gains = np.exp2(grades) - 1
    discounts = _discounts(min(k, len(gains)))
    found = gains[np.argsort(-values, kind="stable")][:k] @ discounts
    ideal = np.sort(gains)[::-1][:k] @ discounts
    return float(found / ideal) if ideal > 0 else float("nan")


def retrieval_average_precisions_at(judged: Judged, k: int) -> Values:
    """AP@k of each query as the MRL paper measures retrieval, (N,): its mean is the paper's mAP@k. NaN without gold.

    AP@k = (sum over the hits at ranks r <= k of precision at r) / k (Kusupati et al. 2022, evaluation code). The sum is
    divided by k and not by |gold|: among images hundreds share a class. A note with fewer than k codes cannot reach 1.
    """
    _check_depth(k)
    hits = judged.hits[:, :k]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.where(judged.gold > 0, (precision * hits).sum(axis=1) / k, np.nan)


def inverse_propensities(
    training: Mapping[str, int], notes: int, a: float = PROPENSITY_A, b: float = PROPENSITY_B
) -> dict[str, float]:
    """1 / p_l of each label: 1 + C (N_l + b)^-a with C = (ln N - 1)(b + 1)^a (Jain et al. 2016, equation 2).

    training: notes of the training split in which each label is gold, 0 included; notes: N of that split. A rarer
    label weighs more. Raises ValueError when N < 3: C would be negative.
    """
    if notes < 3:
        raise ValueError(f"{notes} training notes, expected at least 3")
    scale = (np.log(notes) - 1) * (b + 1) ** a
    return {label: float(1 + scale * (count + b) ** -a) for label, count in training.items()}


def propensity_scored_precision(
    rankings: Sequence[Sequence[str]], gold: Sequence[AbstractSet[str]], weights: Mapping[str, float], k: int
) -> float:
    """PSP@k: inverse propensities of the hits in the first k, over those of the best k gold labels; NaN without gold.

    Sums over all notes are divided, as AttentionXML and the extreme classification repository do (Jain et al. 2016
    divide per note). weights: inverse_propensities; a label that it does not name raises KeyError.
    """
    _check_depth(k)
    found = ideal = 0.0
    for ranking, labels in zip(rankings, gold, strict=True):
        found += sum(weights[label] for label in ranking[:k] if label in labels)
        ideal += sum(sorted((weights[label] for label in labels), reverse=True)[:k])
    return found / ideal if ideal else float("nan")


def _discounts(k: int) -> Values:
    """(k,) 1 / log2(rank + 1)."""
    return 1 / np.log2(np.arange(2, k + 2, dtype=np.float64))


def _check_depth(k: int) -> None:
    if k < 1:
        raise ValueError(f"k is {k}, expected at least 1")
