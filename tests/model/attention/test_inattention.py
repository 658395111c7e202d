from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model.attention.inattention import inattention, kept, softmax

SCORES = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 9)),
    elements=st.sampled_from([-np.inf, -2.0, -0.5, 0.0, 0.5, 3.0]),  # few values: many ties
)


def slow_choice(row: list[float], k: int) -> set[int]:
    """One by one: the largest, of equals the first."""
    left = [place for place, score in enumerate(row) if score != -math.inf]
    return set(sorted(left, key=lambda place: (-row[place], place))[:k])


@settings(deadline=None, max_examples=50)
@given(SCORES, st.integers(1, 10))
def test_exactly_the_k_largest_stay_and_ties_go_by_position(scores: np.ndarray, k: int) -> None:
    mask = kept(scores, k)
    for row, chosen in zip(scores.tolist(), mask, strict=True):
        assert set(np.flatnonzero(chosen).tolist()) == slow_choice(row, k)


def test_everything_else_is_minus_infinity_before_the_softmax() -> None:
    masked = inattention(np.array([[-3.0, -1.0, -2.0, -4.0]], dtype=np.float32), 2)
    assert masked.tolist() == [[-np.inf, -1.0, -2.0, -np.inf]]
    weights = softmax(masked)[0]
    assert weights[0] == weights[3] == 0.0  # the authors' code gives exp(0) here, more than the best score gets
    assert weights[1] == pytest.approx(1 / (1 + math.exp(-1)))


def test_padding_is_never_attended_to_however_large_its_score() -> None:
    scores = np.array([[0.1, 9.0, 0.2, 9.0]], dtype=np.float32)
    real = np.array([True, False, True, False])
    assert inattention(scores, 3, real).tolist() == [[np.float32(0.1), -np.inf, np.float32(0.2), -np.inf]]


def test_without_k_every_real_token_stays() -> None:
    scores = np.array([[1.0, -np.inf, 2.0]], dtype=np.float32)
    assert kept(scores, None).tolist() == [[True, False, True]]


def test_a_row_with_nothing_to_attend_to_is_all_zeros() -> None:
    assert softmax(np.full((1, 3), -np.inf, dtype=np.float32)).tolist() == [[0.0, 0.0, 0.0]]
    assert softmax(np.zeros((2, 0), dtype=np.float32)).shape == (2, 0)


def test_softmax_is_float32_and_survives_large_scores() -> None:
    weights = softmax(np.array([[1000.0, 999.0]], dtype=np.float16))
    assert weights.dtype == np.float32
    assert weights.sum() == pytest.approx(1.0)


def test_k_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        kept(np.zeros((1, 2), dtype=np.float32), 0)
