"""Codes read from the same words of a note, against a slow direct count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.pipeline.features import _overlaps


def slow(words: list[float], stretches: list[tuple[int, int, int]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"covered": [], "covering": [], "overlap_crowd": [], "overlap_gap": []}
    for word, (document, start, end) in zip(words, stretches, strict=True):
        others = list(zip(words, stretches, strict=True))
        held = [w for w, (d, s, e) in others if d == document and s <= start and e >= end and e - s > end - start]
        holding = [w for w, (d, s, e) in others if d == document and s >= start and e <= end and e - s < end - start]
        met = [w for w, (d, s, e) in others if d == document and s < end and e > start]
        found["covered"].append(max(held, default=0.0))
        found["covering"].append(max(holding, default=0.0))
        found["overlap_crowd"].append(math.log2(1 + sum(w > word for w in met)))
        found["overlap_gap"].append(word - max(met))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_overlaps_are_those_of_the_note_whatever_clause_they_were_read_from(seed: int) -> None:
    random = np.random.default_rng(seed)
    starts = random.integers(0, 30, size=40)
    stretches = [
        (int(d), int(s), int(s + n))
        for d, s, n in zip(random.integers(0, 2, size=40), starts, random.integers(1, 12, size=40), strict=True)
    ]
    words = [round(float(w), 3) for w in random.uniform(0.4, 1.0, size=40)]
    found = _overlaps(np.array(words, dtype=np.float32), np.array(stretches), np.ones(40, dtype=np.float32))
    for name, column in slow(words, stretches).items():
        assert found[name].tolist() == pytest.approx(column, abs=1e-6)


def test_neuropathy_stands_inside_diabetes_with_neuropathy() -> None:
    stretches = np.array([(0, 0, 24), (0, 14, 24), (1, 14, 24)])
    found = _overlaps(np.array([0.9, 0.95, 0.7], dtype=np.float32), stretches, np.ones(3, dtype=np.float32))
    assert found["covered"].tolist() == pytest.approx([0.0, 0.9, 0.0])
    assert found["covering"].tolist() == pytest.approx([0.95, 0.0, 0.0])
    assert found["overlap_gap"].tolist() == pytest.approx([-0.05, 0.0, 0.0])


def test_rivals_are_about_as_near_and_the_most_ordinary_of_them_is_known() -> None:
    words = np.array([0.95, 0.94, 0.90, 0.80, 0.95], dtype=np.float32)
    stretches = np.array([(0, 0, 10), (0, 0, 10), (0, 5, 12), (0, 0, 10), (1, 0, 10)])
    found = _overlaps(words, stretches, np.array([1, 4, 0, 2, 3], dtype=np.float32))
    assert (2 ** found["rivals"] - 1).tolist() == pytest.approx([1, 1, 2, 3, 0])  # within 0.03, or nearer
    assert found["usage_gap"].tolist() == pytest.approx([-3, 0, -4, -2, 0])  # within 0.06, or nearer
