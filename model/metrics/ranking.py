"""Metrics of ranked lists: MAP, P@k, R@k, R-precision, frequency buckets and prefix match (nDCG and others: gain).

Definitions: Manning, Raghavan, Schuetze 2008, "Introduction to Information Retrieval", section 8.4. Every ranking is
judged against the whole gold set, also the part that was never ranked, so a short list cannot look better than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

CATEGORY_LENGTH = 3  # an ICD category is the first three characters of its codes
BUCKETS = ("0", "1-7", "8+")
ALL_PRECISIONS = (1, 3, 5, 8, 15)  # ICD coding reports 5, 8 and 15, extreme classification 1, 3 and 5
ALL_RECALLS = (5, 8, 10, 15, 20, 50, 200)


@dataclass(frozen=True, slots=True)
class Judged:
    """N rankings held against their gold sets.

    hits:   (N, K) bool, hits[i, r]: the label at rank r + 1 of ranking i is gold; False past its end
    depths: (N,) int64, labels in each ranking
    gold:   (N,) int64, size of each gold set
    """

    hits: npt.NDArray[np.bool_]
    depths: npt.NDArray[np.int64]
    gold: npt.NDArray[np.int64]


def judge(rankings: Sequence[Sequence[Hashable]], gold: Sequence[AbstractSet[Hashable]]) -> Judged:
    """Hold N rankings, best first, against N gold sets.

    Raises ValueError when the lengths differ or a label is ranked twice (it would count twice).
    """
    if len(rankings) != len(gold):
        raise ValueError(f"{len(rankings)} rankings for {len(gold)} gold sets")
    hits = np.zeros((len(rankings), max((len(ranking) for ranking in rankings), default=0)), dtype=np.bool_)
    for row, (ranking, labels) in enumerate(zip(rankings, gold, strict=True)):
        if len(set(ranking)) != len(ranking):
            raise ValueError(f"ranking {row} names a label twice")
        hits[row, : len(ranking)] = [label in labels for label in ranking]
    depths = np.array([len(ranking) for ranking in rankings], dtype=np.int64)
    return Judged(hits, depths, np.array([len(labels) for labels in gold], dtype=np.int64))


def mean(values: Values) -> float:
    """Mean over the notes that have gold (the others are NaN); NaN when none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def average_precisions(judged: Judged) -> Values:
    """Average precision of each ranking, (N,); its mean is MAP. NaN without gold.

    AP = sum over the hits of (precision at the hit's rank) / |gold|; gold that is not ranked adds nothing (IIR 8.4).
    """
    ranks = np.arange(1, judged.hits.shape[1] + 1)
    precision = np.cumsum(judged.hits, axis=1) / ranks
    return _per_gold((precision * judged.hits).sum(axis=1), judged)


def precisions_at(judged: Judged, k: int) -> Values:
    """Hits in the first k over k, (N,), also when fewer than k are ranked (as CAML does). NaN without gold."""
    found = _found(judged, k) / k
    return np.where(judged.gold > 0, found, np.nan)


def recalls_at(judged: Judged, k: int) -> Values:
    """Share of the gold set within the first k, (N,). NaN without gold."""
    return _per_gold(_found(judged, k), judged)


def recalls(judged: Judged) -> Values:
    """Share of the gold set anywhere in the ranking, (N,). NaN without gold."""
    return recalls_at(judged, judged.hits.shape[1])


def r_precisions(judged: Judged) -> Values:
    """Precision at rank |gold|, (N,) (IIR 8.4). NaN without gold."""
    within = np.arange(judged.hits.shape[1])[None, :] < judged.gold[:, None]
    return _per_gold((judged.hits & within).sum(axis=1).astype(np.float64), judged)


def summary(
    judged: Judged, precisions: Sequence[int] = (5, 8, 15), recalls: Sequence[int] = (5, 20, 200)
) -> dict[str, float]:
    """The ranking metrics of the report at these depths, averaged over the notes that have gold."""
    metrics: dict[str, Values] = {"MAP": average_precisions(judged), "R-precision": r_precisions(judged)}
    metrics |= {f"P@{k}": precisions_at(judged, k) for k in precisions}
    metrics |= {f"R@{k}": recalls_at(judged, k) for k in recalls}
    return {name: mean(values) for name, values in metrics.items()}


def bucket(occurrences: int) -> str:
    """The frequency bucket of a label seen `occurrences` times in training: "0" (zero-shot), "1-7" (few) or "8+"."""
    if occurrences == 0:
        return "0"
    return "1-7" if occurrences <= 7 else "8+"


def by_frequency(
    rankings: Sequence[Sequence[Hashable]], gold: Sequence[AbstractSet[Hashable]], training: Mapping[str, int]
) -> dict[str, Judged]:
    """One judgement per frequency bucket: the gold set is narrowed to the bucket, the ranking is left whole.

    Other buckets' gold therefore counts as wrong. Ranking among a bucket's own codes only is a much easier task and is
    not what a user sees.
    """

    def within(name: str) -> Callable[[Hashable], bool]:
        return lambda label: bucket(training.get(str(label), 0)) == name

    return {name: judge(rankings, [set(filter(within(name), labels)) for labels in gold]) for name in BUCKETS}


def by_category(rankings: Sequence[Sequence[str]], gold: Sequence[AbstractSet[str]]) -> Judged:
    """Near misses: codes count by their first three characters. A category stands at the rank of its best code."""
    return by_prefix(rankings, gold, CATEGORY_LENGTH)


def by_prefix(rankings: Sequence[Sequence[str]], gold: Sequence[AbstractSet[str]], length: int) -> Judged:
    """Prefix match: codes count by their first `length` characters, dot included; a prefix stands at its best code.

    Lengths of 1 (chapter letter), 3 (category) and 5 (subcategory) tell how far into the hierarchy an answer is right.
    """
    return judge([shorten(ranking, length) for ranking in rankings], [set(shorten(labels, length)) for labels in gold])


def shorten(codes: Collection[str], length: int = CATEGORY_LENGTH) -> list[str]:
    """The distinct prefixes of some codes, categories by default, in the order of their first appearance."""
    return list(dict.fromkeys(code[:length] for code in codes))


def agreement(one: Sequence[Hashable], other: Sequence[Hashable], k: int) -> float:
    """Labels common to the first k of two rankings, over k (over the longer list when both are shorter than k)."""
    first, second = set(one[:k]), set(other[:k])
    longest = max(len(first), len(second))
    return len(first & second) / longest if longest else 1.0


def _found(judged: Judged, k: int) -> Values:
    """Hits within the first k, (N,)."""
    return np.asarray(judged.hits[:, :k].sum(axis=1), dtype=np.float64)


def _per_gold(values: Values, judged: Judged) -> Values:
    """values / |gold|, NaN where there is no gold."""
    return np.where(judged.gold > 0, values / np.maximum(judged.gold, 1), np.nan)
