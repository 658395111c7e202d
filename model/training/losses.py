"""Losses of the nested bi-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Hard:
    """Hard negatives: targets (N, d), and ignore (B, N) bool where one may be right for a query after all."""

    targets: Tensor
    ignore: Tensor


def contrastive(
    queries: Tensor, targets: Tensor, ignore: Tensor, temperature: float, hard: Hard | None = None
) -> Tensor:
    """Symmetric InfoNCE with in-batch negatives (van den Oord et al. 2018, equation 4).

    queries, targets: (B, d) unit rows; row i of both belong together.
    ignore: (B, B) bool, pairs that are not negatives although they are not the pair itself (another wording of
    the same code, its parent or child): they leave the denominator, as other positives do in the decoupled
    softmax of Gupta et al. 2024 (DEXML).
    hard: further targets that are right for no query; they stand in the denominator of queries only.
    """
    scores = queries @ targets.T / temperature  # (B, B)
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    scores = scores.masked_fill(ignore & ~own, float("-inf"))
    labels = torch.arange(len(scores), device=scores.device)
    found = scores
    if hard is not None:
        wrong = (queries @ hard.targets.T / temperature).masked_fill(hard.ignore, float("-inf"))  # (B, N)
        found = torch.cat([scores, wrong], dim=1)
    return (functional.cross_entropy(found, labels) + functional.cross_entropy(scores.T, labels)) / 2


def prefix_losses(
    queries: Tensor,
    targets: Tensor,
    ignore: Tensor,
    *,
    prefixes: Sequence[int],
    temperature: float,
    hard: Hard | None = None,
) -> Tensor:
    """The contrastive loss at each prefix, (P,): the terms of equation 1 of Kusupati et al. 2022, before weighting.

    queries, targets: (B, D), not normalised; every prefix is L2-normalised on its own.
    """
    return torch.stack([_at(queries, targets, ignore, size, temperature, hard) for size in prefixes])


def matryoshka(
    queries: Tensor,
    targets: Tensor,
    ignore: Tensor,
    *,
    prefixes: Sequence[int],
    weights: Sequence[float],
    temperature: float,
    hard: Hard | None = None,
) -> Tensor:
    """Sum over prefixes of weight x contrastive loss at that prefix (Kusupati et al. 2022, equation 1).

    Arguments as of `prefix_losses`; weights that change while training stand in model/training/weighting.py.
    Raises ValueError where weights are not one per prefix.
    """
    if len(weights) != len(prefixes):
        raise ValueError(f"{len(weights)} weights for {len(prefixes)} prefixes")
    losses = prefix_losses(queries, targets, ignore, prefixes=prefixes, temperature=temperature, hard=hard)
    return (losses * losses.new_tensor(list(weights))).sum()


def _at(queries: Tensor, targets: Tensor, ignore: Tensor, size: int, temperature: float, hard: Hard | None) -> Tensor:
    q = functional.normalize(queries[:, :size], dim=-1)
    t = functional.normalize(targets[:, :size], dim=-1)
    wrong = None if hard is None else Hard(functional.normalize(hard.targets[:, :size], dim=-1), hard.ignore)
    return contrastive(q, t, ignore, temperature, wrong)
