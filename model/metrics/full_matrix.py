"""The metrics of the ICD coding papers over a full matrix: a score for every label of every note.

scores is (N, L) of any float type, gold (N, L) bool. CAML (Mullenbach et al. 2018) and those that follow it measure so;
F1 and AUC of ranked lists, where most labels have no score, are in classification.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.metrics.classification import Assignment, assignment_of, auc_of_pairs, threshold_of_best_f1
from model.metrics.ranking import Judged, Values

Scores = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]


def assign(scores: Scores, gold: Flags, threshold: float) -> Assignment:
    """Micro F1 and both macro F1 of predicting every pair with score >= threshold. Raises ValueError on shapes."""
    _check(scores, gold)
    chosen = scores >= threshold
    right, predicted, support = (
        np.count_nonzero(pairs, axis=0).astype(np.float64) for pairs in (chosen & gold, chosen, gold)
    )
    return assignment_of(right, predicted, support, threshold)


def best_threshold(scores: Scores, gold: Flags) -> float:
    """The global threshold of the highest micro F1 over every score that occurs; choose it on dev, never on test."""
    _check(scores, gold)
    return threshold_of_best_f1(scores.ravel().astype(np.float64), gold.ravel(), int(np.count_nonzero(gold)))


def exact_match_ratio(scores: Scores, gold: Flags, threshold: float) -> float:
    """Share of notes whose labels with score >= threshold are the gold ones and no other (EMR, Edin et al. 2023)."""
    _check(scores, gold)
    return float(((scores >= threshold) == gold).all(axis=1).mean()) if len(scores) else float("nan")


def micro_auc(scores: Scores, gold: Flags) -> float:
    """Area under the ROC curve of all N x L pairs as one list (CAML's auc_micro); NaN when all or none is gold."""
    _check(scores, gold)
    return _area(scores.ravel(), gold.ravel())


def label_aucs(scores: Scores, gold: Flags) -> Values:
    """(L,) the area under the ROC curve of each label over the notes; NaN where all notes or none have the label."""
    _check(scores, gold)
    return np.array([_area(scores[:, label], gold[:, label]) for label in range(gold.shape[1])], dtype=np.float64)


def macro_auc(scores: Scores, gold: Flags) -> float:
    """Mean of the labels' areas over the labels with both classes among the notes, as CAML's auc_macro; else NaN."""
    areas = label_aucs(scores, gold)
    known = areas[~np.isnan(areas)]
    return float(known.mean()) if len(known) else float("nan")


def judge(scores: Scores, gold: Flags, depth: int) -> Judged:
    """The rankings of the notes, cut at `depth`, for the metrics of ranking and gain; ties by column."""
    _check(scores, gold)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    depths = np.full(len(scores), order.shape[1], dtype=np.int64)
    return Judged(np.take_along_axis(gold, order, axis=1), depths, np.count_nonzero(gold, axis=1).astype(np.int64))


def _area(scores: Scores, hits: Flags) -> float:
    positives = int(np.count_nonzero(hits))
    return auc_of_pairs(scores.astype(np.float64), hits, positives, len(hits) - positives)


def _check(scores: Scores, gold: Flags) -> None:
    if scores.ndim != 2 or scores.shape != gold.shape:
        raise ValueError(f"scores {scores.shape} and gold {gold.shape} must be one (N, L)")
    if np.isnan(scores).any():
        raise ValueError("scores hold NaN")
