"""nDCG, the mAP@k of retrieval and propensity-scored precision against direct readings of their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.metrics import gain, ranking

LABELS = [f"L{place:02d}" for place in range(12)]
ranked = st.lists(st.sampled_from(LABELS), unique=True, max_size=8)
golds = st.sets(st.sampled_from(LABELS), min_size=1, max_size=5)


def slow_dcg(gains: list[float], k: int) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:k], start=1))


@given(ranked, golds, st.integers(1, 10))
def test_ndcg_is_the_discounted_gain_over_the_best_one(found: list[str], gold: set[str], k: int) -> None:
    gains = [float(label in gold) for label in found]
    expected = slow_dcg(gains, k) / slow_dcg([1.0] * len(gold), k)
    assert gain.ndcgs_at(ranking.judge([found], [gold]), k)[0] == pytest.approx(expected)


def test_ndcg_without_gold_is_unknown() -> None:
    assert math.isnan(gain.ndcgs_at(ranking.judge([["A"]], [set()]), 3)[0])


def test_ndcg_by_hand() -> None:
    judged = ranking.judge([["A", "x", "B"], ["x"]], [{"A", "B"}, {"A"}])
    assert gain.ndcgs_at(judged, 3).tolist() == pytest.approx([1.5 / (1 + 1 / math.log2(3)), 0.0])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), min_size=1, max_size=9), st.integers(1, 10))
def test_graded_ndcg_ranks_by_score_and_gains_two_to_the_grade(items: list[tuple[int, int]], k: int) -> None:
    order = sorted(range(len(items)), key=lambda place: -items[place][1])  # sorted is stable, as the metric says it is
    best = slow_dcg(sorted((2.0**grade - 1 for grade, _ in items), reverse=True), k)
    found = gain.graded_ndcg([grade for grade, _ in items], [score for _, score in items], k)
    if best == 0:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(slow_dcg([2.0 ** items[place][0] - 1 for place in order], k) / best)


def test_graded_ndcg_is_that_of_scikit_learn_with_exponential_gains() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    for _ in range(10):
        grades, scores = generator.integers(0, 4, 20), generator.permutation(20)
        expected: Any = metrics.ndcg_score([2.0**grades - 1], [scores], k=5)
        assert gain.graded_ndcg(grades, scores, 5) == pytest.approx(expected)


@given(ranked, golds, st.integers(1, 10))
def test_retrieval_average_precision_divides_by_k(found: list[str], gold: set[str], k: int) -> None:
    precisions = [
        len(gold & set(found[:rank])) / rank for rank in range(1, min(k, len(found)) + 1) if found[rank - 1] in gold
    ]
    judged = ranking.judge([found], [gold])
    assert gain.retrieval_average_precisions_at(judged, k)[0] == pytest.approx(sum(precisions) / k)


def test_propensities_by_hand() -> None:
    weights = gain.inverse_propensities({"common": 98, "never": 0}, 100, a=1.0, b=2.0)
    scale = (math.log(100) - 1) * 3
    assert weights == pytest.approx({"common": 1 + scale / 100, "never": 1 + scale / 2})


@given(st.lists(st.tuples(ranked, golds), min_size=1, max_size=4), st.integers(1, 6))
def test_propensity_scored_precision_is_a_ratio_of_sums(notes: list[tuple[list[str], set[str]]], k: int) -> None:
    weights = gain.inverse_propensities({label: place**2 for place, label in enumerate(LABELS)}, 500)
    found = sum(weights[label] for ranking_, gold in notes for label in ranking_[:k] if label in gold)
    best = sum(sum(sorted((weights[label] for label in gold), reverse=True)[:k]) for _, gold in notes)
    measured = gain.propensity_scored_precision([one for one, _ in notes], [gold for _, gold in notes], weights, k)
    assert measured == pytest.approx(found / best)
    perfect = [sorted(gold, key=lambda label: -weights[label]) for _, gold in notes]
    assert gain.propensity_scored_precision(perfect, [gold for _, gold in notes], weights, k) == pytest.approx(1.0)


def test_rare_labels_weigh_more() -> None:
    weights = gain.inverse_propensities({"rare": 1, "common": 400}, 500)
    rare, common = (
        gain.propensity_scored_precision([[label]], [{"rare", "common"}], weights, 1) for label in ("rare", "common")
    )
    assert rare == 1.0 > common


def test_what_cannot_be_measured_is_refused() -> None:
    judged = ranking.judge([["A"]], [{"A"}])
    for measure in (gain.ndcgs_at, gain.retrieval_average_precisions_at):
        with pytest.raises(ValueError, match="k is 0"):
            measure(judged, 0)
    with pytest.raises(ValueError, match="must be one"):
        gain.graded_ndcg([1, 2], [0.5], 3)
    with pytest.raises(ValueError, match="not negative"):
        gain.graded_ndcg([-1], [0.5], 3)
    with pytest.raises(ValueError, match="2 training notes"):
        gain.inverse_propensities({"A": 1}, 2)
