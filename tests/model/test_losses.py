"""The MRL loss against sentence-transformers on the same tensors."""

from __future__ import annotations

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from torch import Tensor, nn

from model.nested import PREFIXES
from model.training.losses import Hard, matryoshka, prefix_losses

TEMPERATURE = 0.05
NONE = torch.zeros(6, 6, dtype=torch.bool)


class Given(nn.Module):
    """A sentence encoder that answers with the vectors it is handed."""

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {**features, "sentence_embedding": features["vectors"]}

    def get_sentence_embedding_dimension(self) -> int:
        return 768

    get_embedding_dimension = get_sentence_embedding_dimension


def _library(columns: list[Tensor], prefixes: tuple[int, ...], weights: list[float]) -> Tensor:
    encoder = SentenceTransformer(modules=[Given()], device="cpu")
    ranking = MultipleNegativesRankingLoss(encoder, scale=1 / TEMPERATURE)
    loss = MatryoshkaLoss(encoder, ranking, list(prefixes), weights)
    found: Tensor = loss([{"vectors": column} for column in columns], torch.zeros(len(columns[0])))
    return found


def _vectors(rows: int, seed: int) -> Tensor:
    return torch.randn(rows, 768, generator=torch.Generator().manual_seed(seed), requires_grad=True)


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0, 1.0], [4.0, 2.0, 1.0, 0.5]])
def test_the_loss_is_the_library_s_in_both_directions_with_the_same_gradient(weights: list[float]) -> None:
    q, t = _vectors(6, 0), _vectors(6, 1)
    ours = matryoshka(q, t, NONE, prefixes=PREFIXES, weights=weights, temperature=TEMPERATURE)
    theirs = (_library([q, t], PREFIXES, weights) + _library([t, q], PREFIXES, weights)) / 2
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), rel=1e-5)
    for one, other in zip(torch.autograd.grad(ours, (q, t)), torch.autograd.grad(theirs, (q, t)), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_hard_negatives_stand_where_the_library_puts_them() -> None:
    q, t, wrong = _vectors(6, 0), _vectors(6, 1), _vectors(6, 2)
    ours = matryoshka(
        q, t, NONE, prefixes=(64, 768), weights=(1, 1), temperature=TEMPERATURE, hard=Hard(wrong, NONE)
    ).detach()
    theirs = _library([q, t, wrong], (64, 768), [1, 1]) + _library([t, q], (64, 768), [1, 1])
    assert float(ours) == pytest.approx(float(theirs.detach()) / 2, rel=1e-5)


def test_the_sum_is_made_of_the_losses_of_its_prefixes() -> None:
    q, t = _vectors(6, 0), _vectors(6, 1)
    losses = prefix_losses(q, t, NONE, prefixes=PREFIXES, temperature=TEMPERATURE).detach()
    alone = [matryoshka(q, t, NONE, prefixes=(d,), weights=(1,), temperature=TEMPERATURE) for d in PREFIXES]
    assert losses.tolist() == pytest.approx([float(loss.detach()) for loss in alone])
    weighted = matryoshka(q, t, NONE, prefixes=PREFIXES, weights=(0, 2, 0, 1), temperature=TEMPERATURE).detach()
    assert float(weighted) == pytest.approx(float(2 * losses[1] + losses[3]))


def test_weights_that_are_not_one_per_prefix_are_refused() -> None:
    with pytest.raises(ValueError, match="1 weights for 2 prefixes"):
        matryoshka(_vectors(6, 0), _vectors(6, 1), NONE, prefixes=(64, 768), weights=(1,), temperature=TEMPERATURE)
