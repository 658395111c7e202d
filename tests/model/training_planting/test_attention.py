from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.attention import inattention as served
from model.attention.label_attention import LabelAttention
from model.attention.weights import AttentionWeights
from model.nested import prefix
from model.training.planting.attention import Note, PlantedAttention, inattention, softmax
from tests.model.attention.weights import SMALL, random_note, random_weights

NAMED = ["B02", "A01", "never seen", "C03"]


def torch_note(module: PlantedAttention, tokens: np.ndarray, ids: np.ndarray, labels: np.ndarray) -> Note:
    codes = module.counted.codes.ids(NAMED)
    static = [module.counted.table.scores(code, ids, len(module.counted.words)) for code in codes.tolist()]
    width = module.config.width
    return Note(
        torch.from_numpy(prefix(tokens, width)),
        torch.from_numpy(prefix(labels, width)),
        torch.from_numpy(np.stack(static)),
        torch.from_numpy(codes),
    )


@pytest.mark.parametrize("attentions", [SMALL.attentions, ("learned",), ("static",), ("learned", "differentiable")])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_served_is_what_was_trained(tmp_path: Path, attentions: tuple[str, ...], seed: int) -> None:
    weights = random_weights(replace(SMALL, attentions=attentions), seed)
    weights.tensors["scales"][:] = (1.0, 0.5, 0.3, -2.0)
    PlantedAttention.restore(weights).export({"seed": seed}).save(tmp_path / "a.safetensors")
    module = PlantedAttention.restore(AttentionWeights.open(tmp_path / "a.safetensors"))
    attention = LabelAttention.open(tmp_path / "a.safetensors")
    assert attention.config.training == {"seed": seed}
    tokens, ids, labels = random_note(30, len(NAMED), seed)
    read = torch_note(module, tokens, ids, labels)
    found = attention.logits(tokens, ids, labels, NAMED)
    with torch.no_grad():
        np.testing.assert_allclose(found.contributions, module.contributions(read).numpy(), atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(found.logits, module(read).numpy(), atol=1e-5, rtol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(0, 500))
def test_inattention_keeps_what_serving_keeps(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=(3, 7)), 1).astype(np.float32)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    real = rng.random(7) < 0.8
    found = inattention(torch.from_numpy(scores), k, torch.from_numpy(real))
    np.testing.assert_array_equal(found.numpy(), served.inattention(scores, k, real))
    np.testing.assert_allclose(softmax(found).numpy(), served.softmax(found.numpy()), atol=1e-7)


def test_gradients_reach_kept_scores_only_and_are_numbers_everywhere() -> None:
    scores = torch.tensor([[3.0, 1.0, 2.0], [float("-inf")] * 3], requires_grad=True)
    (softmax(inattention(scores, 2)) * torch.tensor([1.0, 5.0, 2.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    assert torch.isfinite(scores.grad).all()
    assert (scores.grad != 0).tolist() == [[True, False, True], [False, False, False]]


def test_every_parameter_learns_and_no_gradient_is_lost_in_minus_infinity() -> None:
    module = PlantedAttention.restore(random_weights())
    tokens, ids, labels = random_note(12, len(NAMED), seed=2)
    module(torch_note(module, tokens, ids, labels)).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_padding_changes_no_logit() -> None:
    module = PlantedAttention.restore(random_weights())
    tokens, ids, labels = random_note(10, len(NAMED), seed=3)
    read = torch_note(module, tokens, ids, labels)
    padded = Note(
        torch.cat([read.tokens, 100 * torch.ones(5, SMALL.width)]),
        read.labels,
        torch.cat([read.static, torch.ones(len(NAMED), 5)], dim=1),
        read.codes,
        torch.arange(15) < 10,
    )
    with torch.no_grad():
        torch.testing.assert_close(module(padded), module(read))
        assert not module.contributions(padded)[:, 10:].any()


def test_at_the_start_a_label_asks_with_its_own_vector() -> None:
    weights = random_weights()
    module = PlantedAttention(weights.config, PlantedAttention.restore(weights).counted, torch.zeros(3))
    tokens, ids, labels = random_note(10, len(NAMED), seed=4)
    read = torch_note(module, tokens, ids, labels)
    scores = module.scores("learned", read).detach()
    torch.testing.assert_close(scores, torch.exp(module.scales[0].detach()) * read.labels @ read.tokens.T)


def test_a_code_seen_seldom_has_no_bias() -> None:
    weights = random_weights()
    module = PlantedAttention(weights.config, PlantedAttention.restore(weights).counted, torch.tensor([1.0, 0.0, 1.0]))
    torch.nn.init.ones_(module.bias)
    constants = module.constants(torch.tensor([0, 1, 2, -1])) - module.scales[3]
    assert constants.tolist() == [1.0, 0.0, 1.0, 0.0]
    assert module.export({}).tensors["bias"].tolist() == [1.0, 0.0, 1.0]
