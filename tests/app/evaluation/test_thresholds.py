"""Thresholds of a calibration, against a direct search over every cut."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.calibration.last_stage import ALIKE, PRECISION, RECALL, Examples, thresholds


def examples(labels: np.ndarray, gold: int) -> Examples:
    count = len(labels)
    return Examples(
        rows=np.zeros((count, 1), dtype=np.float32),
        labels=labels,
        notes=np.zeros(count, dtype=np.int64),
        gold=np.array([gold]),
        weights=np.ones(1),
    )


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_are_those_of_a_direct_search(seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = np.round(random.permutation(np.linspace(0.01, 0.99, 200)), 4)
    labels = random.random(200) < probabilities
    gold = int(labels.sum()) + 10
    found = thresholds(probabilities, examples(labels, gold), 0.02)

    cuts = sorted(probabilities.tolist(), reverse=True)
    answered = [probabilities >= cut for cut in cuts]
    hits = [int(labels[chosen].sum()) for chosen in answered]
    f1 = [2 * h / (int(chosen.sum()) + gold) for h, chosen in zip(hits, answered, strict=True)]
    alike = [cut for cut, value in zip(cuts, f1, strict=True) if value >= max(f1) - ALIKE]
    above, below = (sum(cut > found.best_f1 for cut in alike), sum(cut < found.best_f1 for cut in alike))
    assert abs(above - below) <= 1  # in the middle of them
    precise = [cut for cut, h, chosen in zip(cuts, hits, answered, strict=True) if h >= PRECISION * chosen.sum()]
    assert found.precision_first == precise[-1]
    assert found.recall_first == next(cut for cut, h in zip(cuts, hits, strict=True) if h >= RECALL * labels.sum())
    assert found.candidates == 0.02
