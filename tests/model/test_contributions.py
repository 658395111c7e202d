"""What tokens add to a score sums to the score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.contributions import cosine_contributions
from model.encoder import TokenStates
from model.nested import normalise


@given(seed=st.integers(0, 2**32 - 1), tokens=st.integers(1, 60), wordings=st.integers(1, 5))
def test_contributions_sum_to_the_cosine_that_is_served(seed: int, tokens: int, wordings: int) -> None:
    rng = np.random.default_rng(seed)
    states = (rng.normal(size=(tokens, 48)) + 0.3).astype(np.float32)
    projection = rng.normal(size=(48, 32)).astype(np.float32)
    forms = normalise(rng.normal(size=(wordings, 32)).astype(np.float32))
    pooled = TokenStates(states, np.zeros((tokens, 2), dtype=np.int64), np.array([0, tokens])).pool()
    served = forms @ normalise(pooled @ projection)[0]  # as model/encoder.py embeds: pooled first, then projected
    found = cosine_contributions(states @ projection, forms)
    assert found.shape == (wordings, tokens) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), served, atol=2e-5)


def test_a_token_that_points_away_takes_from_the_score() -> None:
    tokens = np.array([[3.0, 0.0], [-1.0, 1.0]], dtype=np.float32)
    found = cosine_contributions(tokens, np.array([[1.0, 0.0]], dtype=np.float32))
    length = np.hypot(2.0, 1.0)
    assert found[0].tolist() == pytest.approx([3.0 / length, -1.0 / length])


def test_no_tokens_and_vectors_that_cancel_give_finite_numbers() -> None:
    wording = np.array([[1.0, 0.0]], dtype=np.float32)
    assert cosine_contributions(np.zeros((0, 2), dtype=np.float32), wording).shape == (1, 0)
    assert np.isfinite(cosine_contributions(np.array([[1.0, 0.0], [-1.0, 0.0]], dtype=np.float32), wording)).all()
