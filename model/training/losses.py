"""Losses of the nested bi-encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def contrastive(queries: Tensor, targets: Tensor, ignore: Tensor, temperature: float) -> Tensor:
    """Symmetric InfoNCE with in-batch negatives (van den Oord et al. 2018, equation 4).

    queries, targets: (B, d) unit rows; row i of both belong together.
    ignore: (B, B) bool, pairs that are not negatives although they are not the pair itself (another wording of
    the same code, its parent or child): they leave the denominator, as other positives do in the decoupled
    softmax of Gupta et al. 2024 (DEXML).
    """
    scores = queries @ targets.T / temperature  # (B, B)
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    scores = scores.masked_fill(ignore & ~own, float("-inf"))
    labels = torch.arange(len(scores), device=scores.device)
    return (functional.cross_entropy(scores, labels) + functional.cross_entropy(scores.T, labels)) / 2


def matryoshka(
    queries: Tensor,
    targets: Tensor,
    ignore: Tensor,
    *,
    prefixes: Sequence[int],
    weights: Sequence[float],
    temperature: float,
) -> Tensor:
    """Sum over prefixes of weight x contrastive loss at that prefix (Kusupati et al. 2022, equation 1).

    queries, targets: (B, 768), not normalised; every prefix is L2-normalised on its own.
    """
    total = queries.new_zeros(())
    for size, weight in zip(prefixes, weights, strict=True):
        q = functional.normalize(queries[:, :size], dim=-1)
        t = functional.normalize(targets[:, :size], dim=-1)
        total = total + weight * contrastive(q, t, ignore, temperature)
    return total
