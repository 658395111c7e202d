"""LambdaRank on nDCG@k: gradients of a ranking metric that has none.

Burges, Ragno and Le 2006, "Learning to rank with nonsmooth cost functions"; Burges 2010, "From RankNet to LambdaRank
to LambdaMART: an overview", section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor


def gains(relevance: Tensor) -> Tensor:
    """2^r - 1."""
    return torch.pow(2.0, relevance) - 1.0


def discounts(ranks: Tensor, k: int) -> Tensor:
    """1 / log2(1 + rank) for ranks 1..k, 0 behind them. ranks count from 1."""
    return torch.where(ranks <= k, 1.0 / torch.log2(1.0 + ranks), torch.zeros(()))


def ranks_of(scores: Tensor) -> Tensor:
    """(B, n) -> (B, n) float, 1 = the largest score; of equal scores the first comes first."""
    order = torch.sort(scores, dim=-1, descending=True, stable=True).indices
    places = torch.arange(1, scores.shape[-1] + 1, dtype=torch.float32, device=scores.device)
    return torch.zeros_like(scores, dtype=torch.float32).scatter(-1, order, places.expand(scores.shape))


def ndcg(scores: Tensor, relevance: Tensor, k: int) -> Tensor:
    """nDCG@k of each list, (B,): sum of gain x discount over that of the best order; 1 where nothing is relevant."""
    found = (gains(relevance) * discounts(ranks_of(scores), k)).sum(-1)
    best = ideal_dcg(relevance, k)
    return torch.where(best > 0, found / best.clamp(min=1e-12), torch.ones(()))


def ideal_dcg(relevance: Tensor, k: int) -> Tensor:
    """(B,) DCG@k of the best order."""
    return (gains(relevance) * discounts(ranks_of(relevance), k)).sum(-1)


@torch.no_grad()
def lambdas(scores: Tensor, relevance: Tensor, *, k: int, sigma: float = 1.0, real: Tensor | None = None) -> Tensor:
    """dC/ds_i of each list, (B, n); descending them raises nDCG@k.

    lambda_ij = -sigma / (1 + exp(sigma (s_i - s_j))) |Delta nDCG@k(i, j)| for every pair with r_i > r_j (Burges 2010,
    section 4), where Delta is the change when i and j swap ranks; lambda_i = sum of lambda_ij where i is the better
    one, less where it is the worse (equation 4 there). real (B, n): False for padding, which pairs with nothing.
    """
    if real is not None:
        scores = scores.masked_fill(~real, float("-inf"))
        relevance = relevance.masked_fill(~real, 0.0)
    gain, discount = gains(relevance), discounts(ranks_of(scores), k)
    swapped = (gain.unsqueeze(-1) - gain.unsqueeze(-2)) * (discount.unsqueeze(-1) - discount.unsqueeze(-2))
    change = swapped.abs() / ideal_dcg(relevance, k).clamp(min=1e-12)[..., None, None]  # (B, n, n)
    better = relevance.unsqueeze(-1) > relevance.unsqueeze(-2)
    if real is not None:
        better = better & real.unsqueeze(-1) & real.unsqueeze(-2)
    pull = -sigma * torch.sigmoid(-sigma * (scores.unsqueeze(-1) - scores.unsqueeze(-2))) * change
    pull = torch.where(better, pull, torch.zeros(()))
    return pull.sum(-1) - pull.sum(-2)


def lambda_loss(scores: Tensor, relevance: Tensor, *, k: int, sigma: float = 1.0, real: Tensor | None = None) -> Tensor:
    """A scalar whose gradient with respect to the scores is the mean over lists of the lambdas; its value is idle."""
    pull = lambdas(scores.detach(), relevance, k=k, sigma=sigma, real=real)
    return (pull * scores).sum() / len(scores)
