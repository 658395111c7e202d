"""Metrics of code assignment: micro and macro F1 and AUC over the whole label space, from sparse rankings.

Where a model scores every label of every note, full_matrix has the same metrics without any tie at the bottom.

A ranking names a few hundred of some hundred thousand labels. Nothing is known of the order of the rest, so the rest
shares one score below every ranked one. For F1 the rest is never predicted; for AUC it is one large tie, and a gold
label in it is worth 1/2 against every other unranked label. Long rankings therefore give a truer AUC than short ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.metrics.ranking import Values

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything that was ranked, and everything that is gold, for N notes over L labels.

    labels:  (T,) int64, the label of each ranked pair
    scores:  (T,) float64, its score
    hits:    (T,) bool, the pair is gold
    support: (L,) int64, notes in which each label is gold, ranked or not
    count:   N
    """

    labels: Integers
    scores: Values
    hits: npt.NDArray[np.bool_]
    support: Integers
    count: int


def tabulate(
    rankings: Sequence[Sequence[str]],
    scores: Sequence[Sequence[float]],
    gold: Sequence[AbstractSet[str]],
    space: AbstractSet[str],
) -> Scored:
    """Lay rankings out as arrays. The label space is `space` and every label that is ranked or gold.

    Raises ValueError when rankings, scores and gold sets do not match in length.
    """
    everything = set(space).union(*gold, *rankings)
    position = {label: place for place, label in enumerate(sorted(everything))}
    triples = [
        (position[label], score, label in labels)
        for ranking, values, labels in zip(rankings, scores, gold, strict=True)
        for label, score in zip(ranking, values, strict=True)
    ]
    columns = np.array(triples, dtype=np.float64).reshape(-1, 3).T
    support = np.bincount([position[label] for labels in gold for label in labels], minlength=len(position))
    return Scored(
        columns[0].astype(np.int64),
        columns[1],
        columns[2].astype(np.bool_),
        np.asarray(support, dtype=np.int64),
        len(gold),
    )


@dataclass(frozen=True, slots=True)
class Assignment:
    """Quality of one set of predicted pairs.

    macro_f1_caml:      harmonic mean of macro precision and macro recall, both averaged over ALL L labels, absent ones
                        counting zero (Mullenbach et al. 2018; `macro_f1` of their evaluation code)
    macro_f1_per_label: mean of each label's own F1 over the labels that are gold somewhere in the evaluated notes
                        (Edin et al. 2023, section 4.2). About twice the former: never compare across.
    """

    threshold: float | None
    predicted: int
    micro_precision: float
    micro_recall: float
    micro_f1: float
    macro_f1_caml: float
    macro_f1_per_label: float


def assign(scored: Scored, threshold: float) -> Assignment:
    """Quality of predicting every ranked pair with score >= threshold."""
    return assign_pairs(scored, scored.scores >= threshold, threshold)


def assign_pairs(scored: Scored, chosen: npt.NDArray[np.bool_], threshold: float | None = None) -> Assignment:
    """Quality of predicting the ranked pairs marked in `chosen`, (T,)."""
    size = len(scored.support)
    right = np.bincount(scored.labels[chosen & scored.hits], minlength=size).astype(np.float64)
    predicted = np.bincount(scored.labels[chosen], minlength=size).astype(np.float64)
    return assignment_of(right, predicted, scored.support.astype(np.float64), threshold)


def assignment_of(right: Values, predicted: Values, support: Values, threshold: float | None) -> Assignment:
    """Quality from the counts of each label, (L,): pairs that are right, pairs predicted, pairs that are gold."""
    precision, recall = _ratio(right.sum(), predicted.sum()), _ratio(right.sum(), support.sum())
    present = support > 0
    per_label = 2 * right[present] / (predicted[present] + support[present])
    macro_precision = _share(right, predicted).mean() if len(support) else 0.0
    macro_recall = _share(right, support).mean() if len(support) else 0.0
    return Assignment(
        threshold,
        int(predicted.sum()),
        precision,
        recall,
        harmonic(precision, recall),
        harmonic(float(macro_precision), float(macro_recall)),
        float(per_label.mean()) if present.any() else 0.0,
    )


def exact_match_ratio(predicted: Sequence[AbstractSet[str]], gold: Sequence[AbstractSet[str]]) -> float:
    """Share of notes whose predicted set is the gold set (EMR, Edin et al. 2023); NaN without notes.

    Raises ValueError when the lengths differ.
    """
    matches = [one == other for one, other in zip(predicted, gold, strict=True)]
    return sum(matches) / len(matches) if matches else float("nan")


def best_threshold(scored: Scored) -> float:
    """The global threshold of the highest micro F1 over every score that occurs; infinity when nothing is ranked.

    CAML's literature tries 100 even steps; every distinct score is tried here, so that uncalibrated scores are not
    at a disadvantage. The higher threshold wins a tie. A threshold found on the notes it is judged on flatters: report
    it as such.
    """
    return threshold_of_best_f1(scored.scores, scored.hits, int(scored.support.sum()))


def threshold_of_best_f1(scores: Values, hits: npt.NDArray[np.bool_], positives: int) -> float:
    """As `best_threshold`, of pairs (T,) of which `positives` are gold, those that are not among the T included."""
    if not len(scores):
        return float("inf")
    order = np.argsort(-scores, kind="stable")
    ordered, right = scores[order], np.cumsum(hits[order])
    last = np.append(ordered[1:] != ordered[:-1], True)  # a threshold takes all of a tie or none
    predicted = np.arange(1, len(ordered) + 1)
    f1 = 2 * right / (predicted + positives)
    return float(ordered[last][np.argmax(f1[last])])


def micro_auc(scored: Scored) -> float:
    """Area under the ROC curve of all N x L pairs taken as one list; NaN when all or none is gold.

    The probability that a gold pair scores above another, ties counting half (Mann-Whitney). Scores of different notes
    are compared with one another.
    """
    positives = int(scored.support.sum())
    negatives = scored.count * len(scored.support) - positives
    return auc_of_pairs(scored.scores, scored.hits, positives, negatives)


def macro_auc(scored: Scored) -> float:
    """Mean over labels of the label's own AUC across the N notes, for labels with gold in some notes but not in all.

    The labels taken are CAML's (Mullenbach et al. 2018). Notes that do not rank the label tie at the bottom.
    """
    order = np.argsort(scored.labels, kind="stable")
    bounds = np.searchsorted(scored.labels[order], np.arange(len(scored.support) + 1))
    judgeable = np.flatnonzero((scored.support > 0) & (scored.support < scored.count))
    areas = []
    for label in judgeable:
        rows = order[bounds[label] : bounds[label + 1]]
        positives = int(scored.support[label])
        areas.append(auc_of_pairs(scored.scores[rows], scored.hits[rows], positives, scored.count - positives))
    return float(np.mean(areas)) if areas else float("nan")


def harmonic(precision: float, recall: float) -> float:
    """Harmonic mean of precision and recall; 0 when both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def auc_of_pairs(scores: Values, hits: npt.NDArray[np.bool_], positives: int, negatives: int) -> float:
    """Area under the ROC curve (Mann-Whitney, ties 1/2) of some pairs; NaN without positives or without negatives.

    scores, hits (T,): the pairs that were ranked. positives and negatives count all pairs: what is in them and not
    among the T ties at the bottom.
    """
    if positives == 0 or negatives == 0:
        return float("nan")
    bottom = negatives - int((~hits).sum())  # unranked negatives
    below = np.sort(scores[~hits])
    winners = scores[hits]
    lower = np.searchsorted(below, winners, side="left")
    tied = np.searchsorted(below, winners, side="right") - lower
    ranked = float((lower + tied / 2).sum()) + bottom * len(winners)
    unranked = (positives - len(winners)) * bottom / 2
    return (ranked + unranked) / (positives * negatives)


def _ratio(part: float, whole: float) -> float:
    """part / whole, 0 when whole is 0."""
    return float(part / whole) if whole else 0.0


def _share(part: Values, whole: Values) -> Values:
    """part / whole for each label, 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
