"""What stands between an encoder's matrix products. Compiled, each is one kernel instead of three to eight.

On a device these are bound by memory: left apart they cost about as much as the products between them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm

AddNorm = Callable[[Tensor, Tensor, Tensor, Tensor | None, float], tuple[Tensor, Tensor]]
Rotate = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Pointwise:
    """The functions of this module, as they are or compiled."""

    add_norm: AddNorm
    rotate: Rotate
    gate: Callable[[Tensor], Tensor]
    activate: Callable[[Tensor], Tensor]
    compiled: bool


def add_norm(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor | None, epsilon: float) -> tuple[Tensor, Tensor]:
    """x + y, and its layer normalisation; (T, H) each."""
    total = x + y
    return total, layer_norm(total, weight.shape, weight, bias, epsilon)


def rotate(pairs: Tensor, cosines: Tensor, sines: Tensor) -> tuple[Tensor, Tensor]:
    """Rotary positions (Su et al. 2021) of queries and keys, in float32: (T, 3, heads, d), (T, d), (T, d)."""
    both = pairs[:, :2].float()
    first, second = both.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    placed = (both * cosines[:, None, None] + turned * sines[:, None, None]).to(pairs.dtype)
    return placed[:, 0], placed[:, 1]


def gate(inner: Tensor) -> Tensor:
    """GELU of the first half times the second: (T, 2 M) -> (T, M)."""
    value, open_by = inner.chunk(2, dim=-1)
    return gelu(value) * open_by


def activate(inner: Tensor) -> Tensor:
    """GELU, exact."""
    return gelu(inner)


def pointwise(*, compiled: bool) -> Pointwise:
    """As they are, or compiled by torch.compile at their first call."""
    if not compiled:
        return Pointwise(add_norm, rotate, gate, activate, compiled=False)
    make = torch.compile
    return Pointwise(make(add_norm), make(rotate), make(gate), make(activate), compiled=True)


def can_compile() -> bool:
    """Whether there is a C compiler, which torch.compile needs while it runs; slim images have none."""
    return any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang"))
