"""Adaptive and funnel retrieval against a slow direct search, their cost, and the baselines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.nested import Floats, prefix
from model.retrieval.adaptive import adaptive, megaflops, rerank, search
from model.retrieval.baselines import RandomFeatures, fit_svd
from model.retrieval.funnel import Step, cost, funnel
from model.retrieval.measures import neighbour_measures


def _vectors(rows: int, seed: int, width: int = 32) -> Floats:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


def _slow(query: Floats, database: Floats, rows: list[int], dimensions: int) -> list[int]:
    scores = {r: float(prefix(database[r : r + 1], dimensions)[0] @ prefix(query[None], dimensions)[0]) for r in rows}
    return sorted(rows, key=lambda r: (-round(scores[r], 6), r))


def test_search_finds_what_a_slow_search_finds() -> None:
    queries, database = _vectors(70, 0), _vectors(50, 1)
    found = search(queries, database, 8, 10)
    for query, rows in zip(queries, found.rows.tolist(), strict=True):
        assert rows == _slow(query, database, list(range(50)), 8)[:10]
    assert (np.diff(found.scores, axis=1) <= 0).all()


def test_adaptive_retrieval_orders_the_short_prefix_s_shortlist_by_the_long_one() -> None:
    queries, database = _vectors(5, 0), _vectors(50, 1)
    found = adaptive(queries, database, 12, 4, 32)
    for query, rows in zip(queries, found.rows.tolist(), strict=True):
        shortlist = _slow(query, database, list(range(50)), 4)[:12]
        assert rows == _slow(query, database, shortlist, 32)


def test_a_funnel_narrows_step_by_step() -> None:
    queries, database = _vectors(5, 0), _vectors(60, 1)
    found = funnel(queries, database, [Step(4, 30), Step(8, 12), Step(32, 5)])
    for query, rows in zip(queries, found.rows.tolist(), strict=True):
        first = _slow(query, database, list(range(60)), 4)[:30]
        second = _slow(query, database, first, 8)[:12]
        assert rows == _slow(query, database, second, 32)[:5]


def test_a_shortlist_of_everything_is_exact_search() -> None:
    queries, database = _vectors(5, 0), _vectors(40, 1)
    exact = search(queries, database, 32, 40)
    assert (adaptive(queries, database, 40, 4, 32).rows == exact.rows).all()
    assert (funnel(queries, database, [Step(4, 40), Step(32, 40)]).rows == exact.rows).all()


def test_equal_rows_come_in_their_order() -> None:
    database = np.ones((9, 8), dtype=np.float32)
    assert search(database[:1], database, 4, 3).rows.tolist() == [[0, 1, 2]]
    assert rerank(database[:1], database, np.array([[5, 2, 7]]), 8, 2).rows.tolist() == [[2, 5]]


def test_no_query_and_a_small_database_are_answered() -> None:
    assert search(_vectors(0, 0), _vectors(4, 1), 8, 10).rows.shape == (0, 4)
    assert search(_vectors(2, 0), _vectors(4, 1), 8, 10).rows.shape == (2, 4)


def test_cost_counts_both_operations_of_every_stage() -> None:
    assert megaflops(50_000, 768) == pytest.approx(76.8)
    assert cost(50_000, [Step(64, 200), Step(256, 60), Step(768, 20)]) == pytest.approx(
        2 * (50_000 * 64 + 200 * 256 + 60 * 768) / 1e6
    )


@pytest.mark.parametrize("steps", [[], [Step(8, 5), Step(8, 3)], [Step(4, 5), Step(8, 6)], [Step(0, 5)], [Step(4, 0)]])
def test_a_funnel_that_does_not_narrow_is_refused(steps: list[Step]) -> None:
    with pytest.raises(ValueError, match="funnel"):
        funnel(_vectors(1, 0), _vectors(5, 1), steps)


def test_svd_keeps_inner_products_and_puts_the_largest_part_first() -> None:
    vectors = _vectors(200, 0) * np.linspace(3, 0.1, 32, dtype=np.float32)
    moved = fit_svd(vectors)(vectors)
    assert np.allclose(moved @ moved.T, vectors @ vectors.T, atol=1e-2)
    energy = np.square(moved).sum(axis=0)
    assert (np.diff(energy) <= 1e-2).all()
    values = np.linalg.svd(vectors, compute_uv=False)
    assert np.allclose(energy, values**2, rtol=1e-3)
    error = np.square(vectors @ vectors.T - moved[:, :5] @ moved[:, :5].T).sum()
    assert error == pytest.approx(float((values[5:] ** 4).sum()), rel=1e-2)  # Eckart and Young 1936


def test_centred_svd_is_principal_component_analysis() -> None:
    vectors = _vectors(300, 0) + 5
    moved = fit_svd(vectors, centred=True)(vectors)
    assert np.allclose(moved.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(np.cov(moved.T), np.diag(np.cov(moved.T).diagonal()), atol=1e-2)


def test_random_features_are_a_fixed_choice_of_columns() -> None:
    vectors = _vectors(4, 0)
    drawn = RandomFeatures(32, seed=3)
    assert (drawn(vectors) == drawn(vectors)).all()
    assert sorted(drawn(vectors)[0].tolist()) == sorted(vectors[0].tolist())
    assert (drawn(vectors) != RandomFeatures(32, seed=4)(vectors)).any()


def test_neighbour_measures_by_hand() -> None:
    database = np.array([0, 0, 0, 1, 1, 2])
    rows = np.array([[0, 3, 1], [5, 3, 4], [0, 1, 2]])
    found = neighbour_measures(rows, database, np.array([0, 1, 9]), 3)  # label 9 stands nowhere: not counted
    assert found["top-1"] == pytest.approx(0.5)
    assert found["mAP@3"] == pytest.approx(((1 + 2 / 3) / 3 + (1 / 2 + 2 / 3) / 2) / 2)
    assert found["P@3"] == pytest.approx(2 / 3)
    assert found["R@3"] == pytest.approx((2 / 3 + 1) / 2)
    assert np.isnan(neighbour_measures(rows[:1], database, np.array([9]), 3)["R@3"])
    with pytest.raises(ValueError, match="fewer than k = 4"):
        neighbour_measures(rows, database, np.array([0, 1, 9]), 4)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_a_perfect_ranking_measures_one(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    database, queries = rng.integers(0, 3, size=30), rng.integers(0, 3, size=5)
    rows = np.stack([np.argsort(database != q, kind="stable") for q in queries])
    known = np.isin(queries, database)
    found = neighbour_measures(rows, database, queries, k)
    assert not known.any() or (found["top-1"], found[f"mAP@{k}"]) == pytest.approx((1.0, 1.0))
