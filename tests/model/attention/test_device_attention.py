"""The attention on a device against numpy's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.attention.device_attention import DeviceAttention, _weights
from model.attention.inattention import inattention, softmax
from model.attention.label_attention import LabelAttention
from model.attention.placing import placed
from model.nested import Floats
from tests.model.attention.weights import CODES, SMALL, random_note, random_weights

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
NAMES = [*CODES, "never seen"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), tokens=st.integers(0, 12), k=st.none() | st.integers(1, 14), named=st.booleans())
@pytest.mark.parametrize("attentions", [("learned", "static", "differentiable"), ("static",), ("learned",)])
def test_logits_and_contributions_are_those_of_numpy(
    attentions: tuple[str, ...], seed: int, tokens: int, k: int | None, named: bool
) -> None:
    config = replace(SMALL, attentions=attentions, learned_k=k, static_k=k, differentiable_k=k)
    weights = random_weights(config, seed)
    vectors, ids, labels = random_note(tokens, len(NAMES), seed)
    codes = NAMES if named else None
    ours, theirs = LabelAttention(weights), DeviceAttention(weights, DEVICE)
    one = ours.logits(vectors, ids, labels, codes)
    for other in (
        theirs.logits(vectors, ids, labels, codes),
        theirs.logits(torch.tensor(vectors, device=DEVICE), ids, torch.tensor(labels, device=DEVICE), codes),
    ):
        np.testing.assert_allclose(other.logits, one.logits, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(other.contributions, one.contributions, rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(other.constants, one.constants)
        assert other.logits.dtype == np.float32
    np.testing.assert_allclose(
        theirs.all_logits(vectors, ids, labels, codes, block=3), one.logits, rtol=1e-3, atol=1e-3
    )


@settings(max_examples=40, deadline=None)
@given(
    scores=arrays.arrays(np.float32, (3, 7), elements=st.sampled_from([0.0, 0.5, 1.0, -np.inf])),
    k=st.none() | st.integers(1, 9),
)
def test_of_equal_scores_the_first_tokens_are_attended_to(scores: Floats, k: int | None) -> None:
    found = _weights(torch.tensor(scores, device=DEVICE), k).cpu().numpy()
    expected = softmax(inattention(scores, k))
    np.testing.assert_array_equal(found > 0, expected > 0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_wrong_lengths_are_told() -> None:
    vectors, ids, labels = random_note(3, 2, 0)
    attention = DeviceAttention(random_weights(), DEVICE)
    with pytest.raises(ValueError, match="2 token ids for 3 tokens"):
        attention.logits(vectors, ids[:2], labels)
    with pytest.raises(ValueError, match="1 codes named for 2 labels"):
        attention.logits(vectors, ids, labels, ["A01"])


def test_it_follows_the_encoder() -> None:
    attention = LabelAttention(random_weights())
    assert placed(attention, object()) is attention

    class OnDevice:
        device = DEVICE

    found = placed(attention, OnDevice())
    assert isinstance(found, DeviceAttention)
    assert found.config == attention.config
