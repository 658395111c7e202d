"""The classification form of MRL: linear heads over nested prefixes (Kusupati et al. 2022, section 3, equation 1).

MRL has one head per prefix. MRL-E ties them: one weight matrix, of which the head of prefix d reads the first d
columns. Trained over frozen vectors by `train_heads`, or inside another network's step through `NestedHeads.losses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.nested import Floats
from model.training.weighting import Weighting

Labels = npt.NDArray[np.int64]
Form = Literal["mrl", "mrl-e"]


class NestedHeads(nn.Module):
    """Linear classifiers over the prefixes of a vector. Every prefix is L2-normalised on its own, as in retrieval.

    scale multiplies the unit prefixes: a linear softmax over unit vectors has too flat a range to be trained quickly.
    """

    def __init__(self, prefixes: Sequence[int], classes: int, form: Form = "mrl", scale: float = 16.0) -> None:
        super().__init__()
        if not prefixes or list(prefixes) != sorted(set(prefixes)):
            raise ValueError(f"prefixes {tuple(prefixes)} must ascend")
        if classes < 2:
            raise ValueError(f"{classes} classes cannot be told apart")
        self.prefixes, self.form, self.scale = tuple(prefixes), form, scale
        widths = [max(prefixes)] if form == "mrl-e" else list(prefixes)
        self.heads = nn.ModuleList(nn.Linear(width, classes) for width in widths)
        for head in self.heads:
            nn.init.zeros_(head.weight)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def logits(self, vectors: Tensor, prefix: int) -> Tensor:
        """Scores of the classes by one prefix: (N, D) -> (N, classes). Raises ValueError for an unknown prefix."""
        if prefix not in self.prefixes:
            raise ValueError(f"no head for {prefix} dimensions, only {self.prefixes}")
        cut = functional.normalize(vectors[:, :prefix], dim=-1) * self.scale
        head = self.heads[0 if self.form == "mrl-e" else self.prefixes.index(prefix)]
        return functional.linear(cut, head.weight[:, :prefix], head.bias)  # type: ignore[index, arg-type]

    def losses(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy at each prefix, (P,): the terms of equation 1. vectors (N, D), labels (N,) int64."""
        return torch.stack([functional.cross_entropy(self.logits(vectors, size), labels) for size in self.prefixes])

    def probabilities(self, vectors: Floats, prefix: int) -> Floats:
        """Softmax of the scores over frozen vectors, (N, classes) float32."""
        with torch.inference_mode():
            found: Floats = functional.softmax(self.logits(torch.from_numpy(vectors), prefix), dim=-1).numpy()
        return found

    def predict(self, vectors: Floats, prefix: int) -> Labels:
        """The most probable class of each frozen vector, (N,)."""
        with torch.inference_mode():
            return self.logits(torch.from_numpy(vectors), prefix).argmax(dim=-1).numpy().astype(np.int64)


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """How heads are trained: passes over the data, rows of a mini-batch, AdamW's rate, decay, and the seed."""

    epochs: int = 10
    batch: int = 256
    learning_rate: float = 0.05
    weight_decay: float = 1e-4
    seed: int = 0


def train_heads(
    vectors: Floats,
    labels: Labels,
    prefixes: Sequence[int],
    classes: int,
    *,
    form: Form = "mrl",
    weighting: Weighting | None = None,
    options: HeadOptions | None = None,
) -> NestedHeads:
    """Heads over frozen vectors (N, D) with labels (N,) in 0..classes - 1. Same seed, same heads.

    The rate falls linearly to zero. Raises ValueError where rows and labels differ in number, or without rows.
    """
    if len(vectors) != len(labels) or not len(vectors):
        raise ValueError(f"{len(vectors)} vectors with {len(labels)} labels")
    chosen = options or HeadOptions()
    heads = NestedHeads(prefixes, classes, form)
    weights = weighting or Weighting([1.0] * len(prefixes))
    parameters = [*heads.parameters(), *weights.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=chosen.learning_rate, weight_decay=chosen.weight_decay)
    generator = torch.Generator().manual_seed(chosen.seed)
    rows, targets = torch.from_numpy(vectors), torch.from_numpy(labels)
    total = chosen.epochs * -(-len(rows) // chosen.batch)
    step = 0
    for _ in range(chosen.epochs):
        order = torch.randperm(len(rows), generator=generator)
        for batch in torch.split(order, chosen.batch):
            for group in optimizer.param_groups:
                group["lr"] = chosen.learning_rate * (1 - step / total)
            loss = weights.total(heads.losses(weights.mask(rows[batch], step), targets[batch]), step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
    return heads.eval()
