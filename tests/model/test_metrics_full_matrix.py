"""Metrics over a full score matrix against scikit-learn and slow readings, and against their sparse counterparts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.metrics import classification, full_matrix, ranking

Matrices = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


@st.composite
def matrices(draw: st.DrawFn, least_labels: int = 1) -> Matrices:
    """Scores with many ties and gold, up to six notes and five labels."""
    shape = (draw(st.integers(1, 6)), draw(st.integers(least_labels, 5)))
    scores = draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 4))) / 4
    return scores, draw(arrays.arrays(np.bool_, shape))


def slow_auc(scores: npt.NDArray[np.float64], gold: npt.NDArray[np.bool_]) -> float:
    pairs = [(one > other) + (one == other) / 2 for one in scores[gold] for other in scores[~gold]]
    return float(np.mean(pairs)) if pairs else math.nan


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))


@given(matrices())
def test_auc_compares_every_gold_pair_with_every_other(drawn: Matrices) -> None:
    scores, gold = drawn
    areas = [slow_auc(scores[:, label], gold[:, label]) for label in range(gold.shape[1])]
    assert all(map(same, full_matrix.label_aucs(scores, gold), areas))
    assert same(full_matrix.micro_auc(scores, gold), slow_auc(scores.ravel(), gold.ravel()))
    known = [area for area in areas if not math.isnan(area)]
    assert same(full_matrix.macro_auc(scores, gold), float(np.mean(known)) if known else math.nan)


def test_labels_of_one_class_are_left_out_of_the_macro_mean() -> None:
    scores = np.array([[0.9, 0.1, 0.5], [0.8, 0.2, 0.4]])
    gold = np.array([[True, True, False], [False, True, False]])
    assert full_matrix.macro_auc(scores, gold) == 1.0  # the second and third label have one class each
    assert np.isnan(full_matrix.label_aucs(scores, gold)).tolist() == [False, True, True]


@settings(max_examples=30, deadline=None)  # the first example imports scikit-learn
@given(matrices(2), st.integers(0, 5))
def test_f1_is_that_of_scikit_learn(drawn: Matrices, quarter: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, gold = drawn
    predicted = scores >= quarter / 4
    found = full_matrix.assign(scores, gold, quarter / 4)
    assert found.predicted == predicted.sum()
    assert same(found.micro_f1, metrics.f1_score(gold.ravel(), predicted.ravel(), zero_division=0))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(gold, predicted, average=None, zero_division=0)
    assert same(found.macro_f1_caml, classification.harmonic(float(precision.mean()), float(recall.mean())))
    present = gold.any(axis=0)
    assert same(found.macro_f1_per_label, float(f1[present].mean()) if present.any() else 0.0)


@given(matrices())
def test_no_threshold_is_better_than_the_best(drawn: Matrices) -> None:
    best = full_matrix.assign(*drawn, full_matrix.best_threshold(*drawn)).micro_f1
    assert all(full_matrix.assign(*drawn, quarter / 4).micro_f1 <= best + 1e-12 for quarter in range(6))


@given(matrices(), st.integers(0, 5))
def test_a_complete_ranking_gives_the_same_as_the_matrix(drawn: Matrices, quarter: int) -> None:
    scores, gold = drawn
    labels = [str(label) for label in range(gold.shape[1])]
    orders = np.argsort(-scores, axis=1, kind="stable")
    rankings = [[labels[place] for place in order] for order in orders]
    sets = [{labels[place] for place in np.flatnonzero(row)} for row in gold]
    values = [scores[row, order].tolist() for row, order in enumerate(orders)]
    scored = classification.tabulate(rankings, values, sets, set(labels))
    assert classification.assign(scored, quarter / 4) == full_matrix.assign(scores, gold, quarter / 4)
    assert same(classification.micro_auc(scored), full_matrix.micro_auc(scores, gold))
    assert same(classification.macro_auc(scored), full_matrix.macro_auc(scores, gold))
    judged, expected = full_matrix.judge(scores, gold, 3), ranking.judge([one[:3] for one in rankings], sets)
    assert np.array_equal(judged.hits, expected.hits)
    assert np.array_equal(judged.gold, expected.gold)
    assert np.array_equal(judged.depths, expected.depths)
    chosen = [{labels[place] for place in np.flatnonzero(row >= quarter / 4)} for row in scores]
    ratio = full_matrix.exact_match_ratio(scores, gold, quarter / 4)
    assert ratio == classification.exact_match_ratio(chosen, sets)


def test_half_floats_are_measured_as_what_they_are() -> None:
    scores = np.array([[0.25, 0.5], [0.75, 0.125]])
    gold = np.array([[False, True], [True, False]])
    assert full_matrix.micro_auc(scores.astype(np.float16), gold) == full_matrix.micro_auc(scores, gold)


def test_other_shapes_and_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="must be one"):
        full_matrix.macro_auc(np.zeros((2, 3)), np.zeros((3, 2), dtype=np.bool_))
    with pytest.raises(ValueError, match="NaN"):
        full_matrix.micro_auc(np.array([[math.nan]]), np.array([[True]]))
