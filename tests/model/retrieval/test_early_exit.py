"""Thresholds that stop a cascade: found among all, kept as JSON, careful where nothing was learned."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from model.retrieval.early_exit import EarlyExit, Example, Exit, agreement, margin
from model.retrieval.thresholds import exits, learn_thresholds

COSTS = np.array([1.0, 2.0, 4.0])
KEPT = {64: 2, 256: 3}


def _example(gap64: float, gap256: float, right64: bool, right256: bool) -> Example:
    """A wrong stage answers C in the place of B."""

    def exit(gap: float, right: bool) -> Exit:
        return Exit(gap, ("A", "B") if right else ("A", "C"))

    return Example({64: exit(gap64, right64), 256: exit(gap256, right256)}, ("A", "B"))


def test_the_margin_stands_between_the_last_wanted_and_the_first_dropped() -> None:
    scores = np.array([0.4, 0.9, 0.7], dtype=np.float32)
    assert margin(scores, 1, 1) == pytest.approx(0.2) and margin(scores, 2, 2) == pytest.approx(0.3)
    assert margin(scores, 1, 2) == pytest.approx(0.5)
    assert margin(scores, 2, 3) == math.inf
    with pytest.raises(ValueError, match="2 are wanted"):
        margin(scores, 2, 1)


def test_agreement_is_the_share_of_the_larger() -> None:
    assert agreement("AB", "BC") == 0.5 and agreement("AB", "ABCD") == 0.5 and agreement("", "") == 1.0


def test_the_first_reached_threshold_is_taken_and_inf_never() -> None:
    confidence = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.1], [np.inf, np.inf]])
    assert exits(confidence, (0.5, 0.5)).tolist() == [0, 1, 2, 0]
    assert exits(confidence, (np.inf, 0.5)).tolist() == [2, 1, 2, 1]
    assert exits(confidence, (np.inf, np.inf)).tolist() == [2, 2, 2, 2]


def test_learned_thresholds_are_the_cheapest_that_are_good_enough() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random((60, 2)).round(1)
    quality = np.concatenate([rng.random((60, 2)) < confidence, np.ones((60, 1))], axis=1).astype(np.float64)
    for target in (0.5, 0.9, 0.97, 1.0):
        found = learn_thresholds(confidence, quality, COSTS, target)
        assert found.quality >= target - 1e-9
        grid = [*np.unique(confidence).tolist(), np.inf]
        cheapest = math.inf
        for one in grid:
            for other in grid:
                taken = exits(confidence, (one, other))
                if quality[np.arange(60), taken].mean() >= target - 1e-9:
                    cheapest = min(cheapest, float(COSTS[taken].mean()))
        assert found.cost == pytest.approx(cheapest)


def test_a_target_out_of_reach_sends_everything_to_the_end() -> None:
    quality = np.array([[0.0, 0.5], [0.0, 0.5]])
    found = learn_thresholds(np.array([[1.0], [2.0]]), quality, np.array([1.0, 2.0]), 0.9)
    assert found.thresholds == (math.inf,) and found.cost == 2.0
    with pytest.raises(ValueError, match="do not fit"):
        learn_thresholds(np.zeros((2, 2)), quality, np.array([1.0, 2.0]), 0.9)


def test_a_rule_learns_where_stages_may_stop() -> None:
    examples = (
        [_example(0.3, 0.4, True, True)] * 5
        + [_example(0.1, 0.4, False, True)] * 4
        + [_example(0.1, 0.02, False, False)]
    )
    rule = EarlyExit.learn(examples, 2, KEPT, {64: 1.0, 256: 2.0}, 4.0, target=1.0)
    assert rule.thresholds == pytest.approx({64: 0.3, 256: 0.4})
    assert rule.agreement == pytest.approx(1.0) and rule.cost == pytest.approx((5 * 1 + 4 * 2 + 4) / 10)
    assert [rule.taken(one) for one in examples] == [64] * 5 + [256] * 4 + [None]
    cheaper = EarlyExit.learn(examples, 2, KEPT, {64: 1.0, 256: 2.0}, 4.0, target=0.7)
    assert cheaper.cost < rule.cost and cheaper.agreement >= 0.7


def test_a_rule_stops_only_where_it_was_taught_to() -> None:
    rule = EarlyExit(2, KEPT, {64: 0.2, 256: math.inf}, 0.99, 1.0, 1.0)
    clear, close = np.array([0.9, 0.8, 0.5]), np.array([0.9, 0.8, 0.7])
    assert rule.settled(64, rule.margin(64, clear)) and not rule.settled(64, rule.margin(64, close))
    assert not rule.settled(256, rule.margin(256, clear)) and not rule.settled(128, 1.0)
    assert rule.margin(256, clear) == math.inf  # nothing is dropped
    forced = EarlyExit.always(256, 2, KEPT)
    assert forced.settled(256, -1.0) and not forced.settled(64, math.inf)


def test_a_rule_survives_json() -> None:
    rule = EarlyExit(20, {64: 60, 256: 100}, {64: 0.03125, 256: math.inf}, 0.99, 0.995, 12.5, "general 1")
    written = json.loads(json.dumps(rule.to_json(), allow_nan=False))
    assert EarlyExit.from_json(written) == rule
    with pytest.raises(ValueError, match="format"):
        EarlyExit.from_json({"format": 1})
    with pytest.raises(ValueError, match="kept"):
        EarlyExit.from_json({"format": 2, "thresholds": {}})
    with pytest.raises(ValueError, match="top_k labels at least"):
        EarlyExit.from_json({**written, "kept": {"64": 10, "256": 100}})


def test_examples_that_lack_a_stage_are_refused() -> None:
    with pytest.raises(ValueError, match="every stage"):
        EarlyExit.learn([_example(0.1, 0.1, True, True)], 2, {64: 2, 128: 2}, {64: 1.0, 128: 2.0}, 4.0)
