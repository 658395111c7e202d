"""A projection trained alone, over frozen pooled states: minutes instead of hours, for ablations and baselines.

The encoder's backbone is not touched, so weightings and widths can be compared over many seeds, and a projection
trained for 64 dimensions only is the paper's separately trained 64-d model in this frozen setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model.nested import Floats
from model.training.losses import prefix_losses
from model.training.weighting import rest, weighting


@dataclass(frozen=True, slots=True)
class ProjectionOptions:
    """One run: which prefixes are trained with which weighting, and how long."""

    prefixes: tuple[int, ...]
    weighting: str = "equal"
    weights: tuple[float, ...] | None = None
    steps: int = 300
    batch: int = 128
    learning_rate: float = 1e-3
    temperature: float = 0.05
    seed: int = 0


def principal_axes(states: Floats, width: int) -> Floats:
    """(width, R): the axes of most energy of (N, R), uncentred, so that every prefix starts out useful.

    Where fewer states are read than dimensions made, the rest is empty.
    """
    axes = np.linalg.eigh(states.T.astype(np.float64) @ states)[1][:, ::-1].T[:width]
    found = np.zeros((width, states.shape[1]), dtype=np.float32)
    found[: len(axes)] = axes
    return found


def train_projection(states: Floats, codes: Sequence[str], options: ProjectionOptions) -> Floats:
    """A projection (D, R), D the widest prefix, under which the wordings of a code are near each other.

    states (N, R): frozen pooled states of wordings; codes (N,): whose wordings they are. A batch holds two wordings of
    each of its codes. A code's parents and children are no negatives. Raises ValueError where fewer than two codes
    have two wordings.
    """
    places = _places(codes)
    if len(places) < 2:
        raise ValueError("two codes with two wordings each are the least to train on")
    names = np.array(list(places))
    generator = np.random.default_rng(options.seed)
    chosen = weighting(options.weighting, options.prefixes, steps=options.steps, fixed=options.weights)
    weight = torch.from_numpy(principal_axes(states, max(options.prefixes))).requires_grad_()
    optimizer = torch.optim.Adam([weight, *chosen.parameters()], lr=options.learning_rate)
    frozen = torch.from_numpy(states)
    for step in range(options.steps):
        drawn = generator.choice(len(names), size=min(options.batch, len(names)), replace=False)
        pairs = np.array([generator.choice(places[names[code]], size=2, replace=False) for code in drawn])
        queries, targets = (chosen.mask(frozen[torch.from_numpy(rows)] @ weight.T, step) for rows in pairs.T)
        ignore = torch.from_numpy(_related(names[drawn]))
        losses = prefix_losses(queries, targets, ignore, prefixes=options.prefixes, temperature=options.temperature)
        _set_rate(optimizer, options.learning_rate * (1 - step / options.steps))
        optimizer.zero_grad(set_to_none=True)
        chosen.total(losses, step).backward()  # type: ignore[no-untyped-call]
        rest(optimizer, weight, chosen.finished(step))
        optimizer.step()
    return weight.detach().numpy()


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _places(codes: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each code that has two or more."""
    places: dict[str, list[int]] = {}
    for row, code in enumerate(codes):
        places.setdefault(code, []).append(row)
    return {code: rows for code, rows in places.items() if len(rows) > 1}


def _related(codes: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """(B, B): True where one code begins with the other, and it is not the code itself."""
    begins = np.char.startswith(codes[:, None], codes[None, :])
    related: npt.NDArray[np.bool_] = begins | begins.T
    np.fill_diagonal(related, False)
    return related
