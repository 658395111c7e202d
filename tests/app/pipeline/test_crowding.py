"""Codes of one mention make room for other mentions."""

from __future__ import annotations

import numpy as np
import pytest

from app.pipeline.crowding import CROWDING, crowded
from index_builder.index import CodeHits


def _hits(scores: list[float], spans: list[int]) -> CodeHits:
    rows = np.arange(len(scores), dtype=np.int64)
    return CodeHits(rows, np.asarray(scores, dtype=np.float32), np.asarray(spans, dtype=np.int64), rows)


def test_only_the_best_code_of_a_mention_keeps_its_score() -> None:
    ranked = crowded(_hits([0.90, 0.95, 0.89, 0.92], [0, 0, 1, 0]))
    assert ranked.positions.tolist() == [1, 2, 3, 0]
    lost = CROWDING * np.log2([1, 1, 2, 3])
    assert ranked.scores.tolist() == pytest.approx((np.array([0.95, 0.89, 0.92, 0.90]) - lost).tolist(), abs=1e-6)


def test_equal_scores_stay_in_the_order_of_position() -> None:
    assert crowded(_hits([0.8, 0.8, 0.8], [2, 1, 0])).positions.tolist() == [0, 1, 2]


def test_nothing_stays_nothing() -> None:
    assert len(crowded(_hits([], []))) == 0
