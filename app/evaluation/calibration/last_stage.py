"""Fits the last stage on shortlists of coded notes: boosted trees, a curve from left-out notes, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from app.pipeline.calibration import Thresholds
from model.encoder import Integers
from model.exit_leaves import LEAF, MOST_LEAVES
from model.last_stage import Curve, Doubles, LastStage, Linear, Trees
from model.nested import Floats

KNOTS = 24
FAR = 60.0  # beyond any logit
ALIKE = 0.005
PRECISION, RECALL = 0.8, 0.8  # what precision_first and recall_first aim at


@dataclass(frozen=True, slots=True)
class TreeSize:
    """How many boosted trees, and the most leaves of one: what a few hundred notes bear."""

    trees: int = 140
    leaves: int = 20

    def __post_init__(self) -> None:
        """Raises ValueError for more leaves than the last stage can tell apart."""
        if self.leaves > MOST_LEAVES:
            raise ValueError(f"trees of {self.leaves} leaves: at most {MOST_LEAVES}")


@dataclass(frozen=True, slots=True)
class Examples:
    """Shortlisted codes of many notes.

    rows: (n, F); labels: (n,) bool; notes: (n,) the note of each row; gold: (N,) gold codes of each note, also those
    that no row holds; weights: (N,) how much each note counts
    """

    rows: Floats
    labels: npt.NDArray[np.bool_]
    notes: Integers
    gold: Integers
    weights: Doubles

    @property
    def counts(self) -> Doubles:
        """(n,) the weight of each row."""
        return self.weights[self.notes]


def fit(
    examples: Examples,
    *,
    kind: str,
    folds: int,
    seed: int,
    offsets: Doubles | None = None,
    size: TreeSize = TreeSize(),
) -> tuple[LastStage, Doubles]:
    """The last stage, and the probability of each row by a stage that saw neither its note nor its curve's.

    Probabilities are cross-fitted twice over: the score of a fold's notes is learned on the other folds, and so is the
    curve that calibrates it. offsets (F,): features that are not learned from, and what they add to the logit.
    """
    added = np.zeros(examples.rows.shape[1]) if offsets is None else offsets
    examples = replace(examples, rows=np.where(added == 0, examples.rows, 0).astype(np.float32))
    fold_of = _folds(len(examples.gold), folds, seed)[examples.notes]
    logits, counts = np.zeros(len(examples.rows)), examples.counts
    for fold in range(folds):
        held = fold_of == fold
        learned = _score(examples.rows[~held], examples.labels[~held], counts[~held], kind, seed, size)
        logits[held] = learned.logits(examples.rows[held])
    crossed = np.zeros(len(logits))
    for fold in range(folds):
        held = fold_of == fold
        crossed[held] = curve(logits[~held], examples.labels[~held], counts[~held])(logits[held])
    score = _score(examples.rows, examples.labels, counts, kind, seed, size)
    return LastStage(score, curve(logits, examples.labels, counts), added), crossed


def _folds(notes: int, folds: int, seed: int) -> Integers:
    order = np.random.default_rng(seed).permutation(notes)
    fold = np.empty(notes, dtype=np.int64)
    fold[order] = np.arange(notes) % folds
    return fold


def _score(
    rows: Floats, labels: npt.NDArray[np.bool_], counts: Doubles, kind: str, seed: int, size: TreeSize
) -> Trees | Linear:
    return _trees(rows, labels, counts, seed, size) if kind == "trees" else _linear(rows, labels, counts)


def _linear(rows: Floats, labels: npt.NDArray[np.bool_], counts: Doubles) -> Linear:
    from sklearn.linear_model import LogisticRegression

    mean, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scale[scale < 1e-6] = 1.0
    model = LogisticRegression(C=0.5, max_iter=2000).fit((rows - mean) / scale, labels, sample_weight=counts)
    return Linear(mean, scale, np.asarray(model.coef_[0]), float(model.intercept_[0]))


def _trees(rows: Floats, labels: npt.NDArray[np.bool_], counts: Doubles, seed: int, size: TreeSize) -> Trees:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=size.trees,
        max_leaf_nodes=size.leaves,
        min_samples_leaf=40,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(limits=1, user_api="openmp"):  # small data: threads would wait for each other
        model.fit(rows.astype(np.float64), labels, sample_weight=counts)
    return trees_of(model)


def trees_of(model: Any) -> Trees:
    """The trees of a fitted scikit-learn HistGradientBoostingClassifier of two classes, as flat arrays."""
    found = [predictors[0].nodes for predictors in model._predictors]
    width = max(len(nodes) for nodes in found)
    shape = (len(found), width)
    feature, left, right = (np.full(shape, fill, dtype=np.int64) for fill in (LEAF, 0, 0))
    threshold, value = np.zeros(shape), np.zeros(shape)
    for tree, nodes in enumerate(found):
        inner = nodes["is_leaf"] == 0
        size = slice(0, len(nodes))
        feature[tree, size] = np.where(inner, nodes["feature_idx"], LEAF)
        threshold[tree, size] = np.where(inner, nodes["num_threshold"], 0.0)
        left[tree, size], right[tree, size] = nodes["left"], nodes["right"]
        value[tree, size] = nodes["value"]
    return Trees(feature, threshold, left, right, value, float(np.ravel(model._baseline_prediction)[0]))


def curve(logits: Doubles, labels: npt.NDArray[np.bool_], counts: Doubles) -> Curve:
    """Isotonic regression of the labels on the logits, read off at quantiles and made strictly rising."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fitted.fit(logits, labels.astype(np.float64), sample_weight=counts)
    at = np.unique(np.quantile(logits, 1 - np.geomspace(1, 2e-4, KNOTS)))
    stretches = [logits[(logits >= a) & (logits <= b)] for a, b in _around(at)]
    level = np.array([fitted.predict(s if len(s) else [x]).mean() for s, x in zip(stretches, at, strict=True)])
    level = np.clip(np.maximum.accumulate(level), 1e-5, 0.99) + np.arange(len(at)) * 1e-7
    return Curve(np.concatenate([[-FAR], at, [FAR]]), np.concatenate([[0.0], level, [1.0]]))


def _around(at: Doubles) -> list[tuple[float, float]]:
    """For each knot the stretch to the middles of its neighbours."""
    middles = np.concatenate([[at[0]], (at[1:] + at[:-1]) / 2, [at[-1]]])
    return [(float(min(a, x)), float(max(b, x))) for a, b, x in zip(middles, middles[1:], at, strict=False)]


def thresholds(probabilities: Doubles, examples: Examples, least: float) -> Thresholds:
    """Best micro F1; the lowest threshold with precision >= .8; the highest with recall >= .8 of what was shortlisted.

    Where F1 is flat its best is chance: of the ranks that lose less than ALIKE of it the middle one counts.

    least: floor of `candidates`
    """
    order = np.argsort(-probabilities, kind="stable")
    counts = examples.counts[order]
    hits = np.cumsum(np.where(examples.labels[order], counts, 0))
    answered = np.cumsum(counts)
    gold = float(examples.gold @ examples.weights)
    f1 = 2 * hits / (answered + gold)
    values = probabilities[order]
    precise = np.flatnonzero(hits / answered >= PRECISION)
    recalling = np.flatnonzero(hits >= RECALL * hits[-1])
    return Thresholds(
        best_f1=_rounded(values[int(np.median(np.flatnonzero(f1 >= f1.max() - ALIKE)))]),
        precision_first=_rounded(values[precise[-1]] if len(precise) else values[0]),
        recall_first=_rounded(values[recalling[0]]),
        candidates=least,
    )


def _rounded(value: float) -> float:
    return round(float(value), 4)


def choose_kind(examples: Examples, folds: int, seed: int, kinds: Sequence[str] = ("linear", "trees")) -> str:
    """The kind with the better log loss on notes left out."""

    def loss(kind: str) -> float:
        _, crossed = fit(examples, kind=kind, folds=folds, seed=seed)
        p = np.clip(crossed, 1e-6, 1 - 1e-6)
        losses = -np.where(examples.labels, np.log(p), np.log(1 - p))
        return float(np.average(losses, weights=examples.counts))

    return min(kinds, key=loss)
