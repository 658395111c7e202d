from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from model.training.planting.lambdarank import lambda_loss, lambdas, ndcg


def slow_ndcg(order: list[int], relevance: list[float], k: int) -> float:
    def dcg(ranked: list[int]) -> float:
        return sum((2 ** relevance[item] - 1) / math.log2(rank + 2) for rank, item in enumerate(ranked[:k]))

    best = dcg(sorted(range(len(relevance)), key=lambda item: -relevance[item]))
    return dcg(order) / best if best else 1.0


def slow_lambdas(scores: list[float], relevance: list[float], k: int, sigma: float) -> list[float]:
    """Burges 2010: swap every pair in the ranking, look at what nDCG@k does, pull by the logistic of the scores."""
    order = sorted(range(len(scores)), key=lambda item: (-scores[item], item))
    pulls = [0.0] * len(scores)
    for i in range(len(scores)):
        for j in range(len(scores)):
            if relevance[i] > relevance[j]:
                swapped = [{i: j, j: i}.get(item, item) for item in order]
                change = abs(slow_ndcg(swapped, relevance, k) - slow_ndcg(order, relevance, k))
                pull = -sigma / (1 + math.exp(sigma * (scores[i] - scores[j]))) * change
                pulls[i] += pull
                pulls[j] -= pull
    return pulls


@pytest.mark.parametrize(("k", "sigma"), [(1, 1.0), (3, 0.5), (10, 2.0)])
def test_lambdas_are_those_of_swapping_every_pair(k: int, sigma: float) -> None:
    rng = np.random.default_rng(k)
    scores = torch.from_numpy(np.round(rng.normal(size=(4, 7)), 1).astype(np.float32))  # rounded: ties
    relevance = torch.from_numpy(rng.integers(0, 4, size=(4, 7)).astype(np.float32))
    found = lambdas(scores, relevance, k=k, sigma=sigma)
    slow = [slow_lambdas(s, r, k, sigma) for s, r in zip(scores.tolist(), relevance.tolist(), strict=True)]
    torch.testing.assert_close(found, torch.tensor(slow), atol=1e-5, rtol=1e-4)


def test_ndcg_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.normal(size=(5, 6)).astype(np.float32))
    relevance = torch.from_numpy(rng.integers(0, 3, size=(5, 6)).astype(np.float32))
    relevance[0] = 0
    for row, value in enumerate(ndcg(scores, relevance, 4).tolist()):
        order = torch.argsort(-scores[row]).tolist()
        assert value == pytest.approx(slow_ndcg(order, relevance[row].tolist(), 4), abs=1e-6)


def test_padding_changes_nothing_and_is_not_pulled() -> None:
    scores, relevance = torch.tensor([[0.3, -1.0, 2.0]]), torch.tensor([[2.0, 1.0, 0.0]])
    wider = torch.cat([scores, torch.tensor([[9.0, 0.5]])], dim=1)
    graded = torch.cat([relevance, torch.tensor([[4.0, 1.0]])], dim=1)
    real = torch.tensor([[True, True, True, False, False]])
    found = lambdas(wider, graded, k=2, real=real)
    torch.testing.assert_close(found[:, :3], lambdas(scores, relevance, k=2))
    assert found[:, 3:].tolist() == [[0.0, 0.0]]


def test_descending_the_loss_raises_ndcg() -> None:
    relevance = torch.tensor([[0.0, 1.0, 3.0, 2.0, 0.0, 0.0]])
    scores = torch.zeros(1, 6, requires_grad=True)
    start = float(ndcg(scores.detach(), relevance, 5))
    for _ in range(50):
        lambda_loss(scores, relevance, k=5).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            assert scores.grad is not None
            scores -= scores.grad
            scores.grad = None
    assert start < 0.7
    assert float(ndcg(scores.detach(), relevance, 5)) == pytest.approx(1.0)
