"""The last stage: the same logits as the library that learned it, a curve that rises, and a round trip."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from app.evaluation.calibration.last_stage import Examples, TreeSize, curve, fit, thresholds, trees_of
from model.last_stage import Curve, Doubles, LastStage, Linear

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(1200, 5)).astype(np.float32)
ODDS = 1.5 * ROWS[:, 0] + np.where(ROWS[:, 1] > 0.3, 1.5, -1.0) * ROWS[:, 2] - 1.0
LABELS = RNG.random(len(ROWS)) < 1 / (1 + np.exp(-ODDS))
CURVE = curve(np.asarray(ODDS, dtype=np.float64), LABELS, np.ones(len(LABELS)))
EXAMPLES = Examples(ROWS, LABELS, np.arange(len(ROWS)) // 30, np.full(40, 12), np.ones(40))


def test_trees_give_the_logits_of_the_library_that_grew_them() -> None:
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=7, random_state=0).fit(ROWS[:800], LABELS[:800])
    np.testing.assert_allclose(trees_of(model).logits(ROWS), model.decision_function(ROWS), atol=1e-12)


def test_trees_of_too_many_leaves_are_not_grown() -> None:
    with pytest.raises(ValueError, match="65 leaves: at most 64"):
        TreeSize(leaves=65)


def test_the_linear_score_is_the_librarys() -> None:
    mean, scale = ROWS.mean(0).astype(np.float64), ROWS.std(0).astype(np.float64)
    model = LogisticRegression().fit((ROWS - mean) / scale, LABELS)
    own = Linear(mean, scale, model.coef_[0], float(model.intercept_[0])).logits(ROWS)
    np.testing.assert_allclose(own, model.decision_function((ROWS - mean) / scale), atol=1e-9)


@pytest.mark.parametrize("kind", ["trees", "linear"])
def test_a_stage_survives_json(kind: str) -> None:
    stage, _ = fit(EXAMPLES, kind=kind, folds=3, seed=0)
    again = LastStage.from_dict(json.loads(json.dumps(stage.to_dict())))
    np.testing.assert_array_equal(again.probabilities(ROWS), stage.probabilities(ROWS))


def test_left_out_probabilities_are_calibrated_and_useful() -> None:
    _, crossed = fit(EXAMPLES, kind="trees", folds=4, seed=0)
    bins = np.digitize(crossed, [0.1, 0.3, 0.5, 0.7])
    for one in range(5):
        inside = bins == one
        assert abs(crossed[inside].mean() - LABELS[inside].mean()) < 0.12
    assert crossed[LABELS].mean() > crossed[~LABELS].mean() + 0.2


def test_an_offset_moves_the_logit_and_its_feature_teaches_nothing() -> None:
    offsets = np.array([0.0, 0.0, 0.0, 0.0, 2.0])
    stage, _ = fit(EXAMPLES, kind="linear", folds=3, seed=0, offsets=offsets)
    moved = ROWS.copy()
    moved[:, 4] += 1
    np.testing.assert_allclose(stage.logits(moved) - stage.logits(ROWS), 2.0, atol=1e-5)


def test_thresholds_are_what_they_are_called() -> None:
    _, crossed = fit(EXAMPLES, kind="linear", folds=3, seed=0)
    found = thresholds(crossed, EXAMPLES, 0.02)

    def f1(least: float) -> float:
        answered = crossed >= least
        return 2 * float((LABELS & answered).sum()) / float(answered.sum() + EXAMPLES.gold.sum())

    assert f1(found.best_f1) >= max(f1(least) for least in np.linspace(0.01, 0.99, 60)) - 5e-3
    assert LABELS[crossed >= found.precision_first].mean() >= 0.79
    assert LABELS[crossed >= found.recall_first].sum() >= 0.79 * LABELS.sum()
    assert found.recall_first <= found.best_f1 <= found.precision_first


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20))
def test_more_evidence_never_lowers_the_probability(logits: list[float]) -> None:
    found: Doubles = CURVE(np.sort(np.asarray(logits)))
    assert (np.diff(found) >= 0).all() and found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize(
    ("logits", "probabilities"), [([0.0], [0.5]), ([0.0, 1.0], [0.5, 0.5]), ([1.0, 0.0], [0.1, 0.2]), ([0, 1], [0, 2])]
)
def test_a_curve_that_does_not_rise_is_refused(logits: list[float], probabilities: list[float]) -> None:
    with pytest.raises(ValueError, match="rising"):
        Curve(np.asarray(logits), np.asarray(probabilities))


def test_notes_that_count_more_are_fitted_more() -> None:
    """Half of the notes say the opposite; the stage follows those that weigh."""
    odd = np.arange(40) % 2 == 1
    labels = np.where(odd[EXAMPLES.notes], ~LABELS, LABELS)
    mixed = replace(EXAMPLES, labels=labels)
    agreement = []
    for weights in (np.where(odd, 0.05, 1.0), np.where(odd, 1.0, 0.05)):
        stage, _ = fit(replace(mixed, weights=weights), kind="linear", folds=2, seed=0)
        agreement.append(np.corrcoef(stage.probabilities(ROWS), LABELS)[0, 1])
    assert agreement[0] > 0.2 and agreement[1] < -0.2
