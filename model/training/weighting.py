"""How much each prefix's loss counts in the MRL sum: equal, fixed, learned, focal, or one prefix after the other.

A weighting plugs into a training step in three lines: `vectors = weighting.mask(vectors, step)` before the losses,
`loss = weighting.total(prefix_losses(...), step)` after them, and `weighting.parameters()` handed to the optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

NAMES = ("equal", "fixed", "uncertainty", "focal", "sequential")


class Weighting(nn.Module):
    """Constant weights; the base of the others. Equal weights are the paper's (Kusupati et al. 2022, equation 1)."""

    constant: Tensor

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        if not weights or not all(0 <= weight < float("inf") for weight in weights) or not any(weights):
            raise ValueError(f"weights {tuple(weights)} must be finite, none negative, not all zero")
        self.register_buffer("constant", torch.tensor(list(weights), dtype=torch.float32))

    def weights(self, losses: Tensor, step: int) -> Tensor:
        """The weight of each prefix at this step, given the losses (P,) of the current batch: (P,)."""
        del losses, step
        return self.constant

    def penalty(self) -> Tensor:
        """What learned weights cost, a scalar: without it they would all fall to zero."""
        return self.constant.new_zeros(())

    def mask(self, vectors: Tensor, step: int) -> Tensor:
        """The vectors (N, D) with the gradient of finished dimensions cut off; here none is."""
        del step
        return vectors

    def finished(self, step: int) -> int | None:
        """The first dimension that gets no gradient at this step and none later; None where all do."""
        del step
        return None

    def total(self, losses: Tensor, step: int) -> Tensor:
        """The loss to minimise: sum over prefixes of weight x loss, and the penalty."""
        return (self.weights(losses, step) * losses).sum() + self.penalty()


class Uncertainty(Weighting):
    """Weights learned as homoscedastic uncertainty (Kendall et al. 2018, equation 10, classification).

    The parameters are the log-variances s_m = log sigma_m^2; the loss is the sum of exp(-s_m) loss_m + s_m / 2. At
    rest exp(-s_m) = 1 / (2 loss_m): a prefix that stays bad counts less.
    """

    def __init__(self, prefixes: int) -> None:
        super().__init__([1.0] * prefixes)
        self.log_variances = nn.Parameter(torch.zeros(prefixes))

    def weights(self, losses: Tensor, step: int) -> Tensor:
        """exp(-s), (P,), with gradient."""
        del losses, step
        return torch.exp(-self.log_variances)

    def penalty(self) -> Tensor:
        """The sum of log sigma_m: half of the log-variances."""
        return self.log_variances.sum() / 2


class Focal(Weighting):
    """More weight where the loss is still high, after Lin et al. 2017, who weigh an example by (1 - p)^gamma.

    Here p is exp(-loss_m), the geometric mean probability of the right answer at prefix m. The weights are scaled to
    sum to P, so that the learning rate keeps its meaning, and carry no gradient.
    """

    def __init__(self, prefixes: int, gamma: float = 2.0) -> None:
        super().__init__([1.0] * prefixes)
        if gamma < 0:
            raise ValueError(f"gamma {gamma} is negative")
        self.gamma = gamma

    def weights(self, losses: Tensor, step: int) -> Tensor:
        """(1 - exp(-loss_m))^gamma, scaled to sum to P; equal weights where every loss is zero."""
        del step
        raw = (1 - torch.exp(-losses.detach())).clamp(min=0) ** self.gamma
        total = raw.sum()
        return raw * len(raw) / total if float(total) > 0 else torch.ones_like(raw)


class Sequential(Weighting):
    """One prefix after the other, from wide to narrow (SMEC, Zhang et al. 2025, arXiv 2510.12474, section 3).

    In each stage the loss of one prefix is trained, and the dimensions beyond it are finished: they get no gradient.
    SMEC ends a stage by freezing what it learned and maps to the next width with a matrix of its own; a nested vector
    has no such matrix, and what the narrow prefix learns also moves the wide ones. So with `keep` > 0 the wider
    losses stay in the sum with that weight, with their own dimensions fixed. keep = 0 trains the narrow prefix alone.
    """

    def __init__(self, prefixes: Sequence[int], starts: Sequence[int], keep: float = 1.0) -> None:
        """prefixes: ascending widths. starts: the step at which each stage begins, widest first, the first 0."""
        super().__init__([1.0] * len(prefixes))
        if list(prefixes) != sorted(set(prefixes)):
            raise ValueError(f"prefixes {tuple(prefixes)} must ascend")
        if len(starts) != len(prefixes) or starts[0] != 0 or list(starts) != sorted(starts):
            raise ValueError(f"starts {tuple(starts)} must be one step per prefix, from 0 on, not falling")
        self.prefixes, self.starts, self.keep = tuple(prefixes), tuple(starts), keep

    def stage(self, step: int) -> int:
        """Which stage a step is in: 0 trains the widest prefix."""
        return sum(step >= start for start in self.starts) - 1

    def width(self, step: int) -> int:
        """The prefix that a step trains; dimensions beyond it are finished."""
        return self.prefixes[len(self.prefixes) - 1 - self.stage(step)]

    def finished(self, step: int) -> int | None:
        """The width of the stage's prefix; None in the first stage."""
        return self.width(step) if self.stage(step) else None

    def weights(self, losses: Tensor, step: int) -> Tensor:
        """1 for the stage's prefix, `keep` for wider ones, 0 for narrower ones."""
        width = self.width(step)
        chosen = [1.0 if size == width else self.keep if size > width else 0.0 for size in self.prefixes]
        return losses.new_tensor(chosen)

    def mask(self, vectors: Tensor, step: int) -> Tensor:
        """The dimensions beyond the stage's prefix are detached."""
        width = self.width(step)
        return torch.cat([vectors[:, :width], vectors[:, width:].detach()], dim=1)


def rest(optimizer: torch.optim.Optimizer, weight: Tensor, first: int | None) -> None:
    """Take Adam's momentum from the rows of a projection (D, R) from `first` on; None = all go on.

    To be called before the optimizer's step: without gradient the momentum alone would still move finished rows.
    Weight decay would too and is the caller's.
    """
    momentum = optimizer.state.get(weight, {}).get("exp_avg")
    if first is not None and momentum is not None:
        momentum[first:] = 0


def weighting(
    name: str, prefixes: Sequence[int], *, steps: int, fixed: Sequence[float] | None = None, gamma: float = 2.0
) -> Weighting:
    """The weighting of that name for a run of so many steps.

    sequential: the widest prefix gets half of the steps, the others share the rest. Raises ValueError for an unknown
    name, for "fixed" without its weights, and for weights that are not one per prefix.
    """
    count = len(prefixes)
    if name == "fixed":
        if fixed is None or len(fixed) != count:
            raise ValueError(f"fixed weighting needs {count} weights, one per prefix")
        return Weighting(fixed)
    if name == "sequential":
        rest = steps - steps // 2
        starts = [0, *(steps // 2 + rest * i // max(1, count - 1) for i in range(count - 1))]
        return Sequential(prefixes, starts)
    if name == "equal":
        return Weighting([1.0] * count)
    if name == "uncertainty":
        return Uncertainty(count)
    if name == "focal":
        return Focal(count, gamma)
    raise ValueError(f"unknown weighting {name}: {', '.join(NAMES)} are known")
