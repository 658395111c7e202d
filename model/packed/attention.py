"""Attention over sequences laid end to end: FlashAttention's varlen kernel, and the same without it.

Both see the keys of the token's own sequence only; in local layers those at most `reach` places away, to either side.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import attention as torch_attention
from torch.nn.functional import scaled_dot_product_attention

from model.packed.packing import Packed


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where sequences begin and end: `starts` (N + 1,) int32 on the device, `lengths` on the host, for grouping."""

    starts: Tensor
    lengths: tuple[int, ...]
    longest: int

    @classmethod
    def of(cls, packed: Packed, device: torch.device) -> Bounds:
        """Of packed windows."""
        starts = torch.tensor(packed.starts, dtype=torch.int32, device=device)
        return cls(starts, tuple(np.diff(packed.starts).tolist()), packed.longest)


class Kernel(Protocol):
    """query, key, value (T, heads, d) -> (T, heads, d), scaled by d ** -0.5; reach None = the whole sequence."""

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, bounds: Bounds, reach: int | None) -> Tensor:
        """See above."""
        ...


def varlen(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds, reach: int | None) -> Tensor:
    """FlashAttention over `bounds`: one kernel for all sequences. CUDA, compute capability 8.0, half precision.

    FlashAttention 3 may split a sequence's keys by what else is in the batch; one split keeps the answer of a text
    independent of its neighbours. FlashAttention 2 never splits here and knows no such argument.
    """
    from torch.nn.attention.varlen import varlen_attn

    window = (-1, -1) if reach is None else (reach, reach)
    longest, starts = bounds.longest, bounds.starts
    found: Tensor = varlen_attn(  # type: ignore[assignment]
        query, key, value, starts, starts, longest, longest, window_size=window, **_one_split()
    )
    return found


def by_length(query: Tensor, key: Tensor, value: Tensor, bounds: Bounds, reach: int | None) -> Tensor:
    """Sequences of equal length share a call of PyTorch's SDPA, so that none needs padding. Any device and dtype."""
    out = torch.empty_like(query)
    starts = np.cumsum((0, *bounds.lengths))[:-1]
    lengths = np.asarray(bounds.lengths, dtype=np.int64)
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = starts[lengths == length][:, None] + np.arange(length)  # (n, length)
        taken = torch.from_numpy(rows.ravel()).to(query.device)
        q, k, v = (x[taken].reshape(*rows.shape, *x.shape[1:]).transpose(1, 2) for x in (query, key, value))
        near = None if reach is None or reach >= length - 1 else _band(length, reach, query.device)
        mixed = scaled_dot_product_attention(q, k, v, attn_mask=near)  # (n, heads, length, d)
        out[taken] = mixed.transpose(1, 2).flatten(0, 1)
    return out


def kernel_for(device: torch.device, dtype: torch.dtype, width: int) -> Kernel:
    """`varlen` where it runs, else `by_length`. width: dimensions of a head."""
    if device.type != "cuda" or dtype not in (torch.bfloat16, torch.float16) or width % 8 or width > 256:
        return by_length
    return varlen if torch.cuda.get_device_capability(device) >= (8, 0) and _has_varlen() else by_length


def _band(length: int, reach: int, device: torch.device) -> Tensor:
    """(length, length): whether two places are at most `reach` apart."""
    places = torch.arange(length, device=device)
    return (places[:, None] - places[None, :]).abs() <= reach


def _has_varlen() -> bool:
    """torch.nn.attention.varlen with windows: PyTorch 2.13 has it, older releases may not."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return "window_size" in inspect.signature(varlen_attn).parameters


def _one_split() -> dict[str, Any]:
    chosen = getattr(torch_attention, "current_flash_attention_impl", lambda: None)()
    return {"num_splits": 1} if chosen in ("FA3", "FA4") else {}
