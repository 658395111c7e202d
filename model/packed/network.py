"""Which encoders have an unpadded pass, and how it is made of a Hugging Face config and its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from model.packed.attention import Bounds, Kernel, kernel_for
from model.packed.bert import PackedBert
from model.packed.modernbert import PackedModernBert
from model.packed.pointwise import can_compile, pointwise
from model.shapes import BertShape, ModernBertShape


class Network(Protocol):
    """ids (T,), positions (T,) -> (T, R), the read hidden states side by side."""

    kernel: Kernel
    width: int  # R

    def __call__(self, ids: Tensor, positions: Tensor, bounds: Bounds) -> Tensor:
        """See above."""
        ...


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how an encoder runs. fused: its pointwise parts compiled."""

    device: torch.device
    dtype: torch.dtype
    fused: bool

    @classmethod
    def best(cls) -> Placement:
        """The first GPU in bfloat16, compiled where there is a C compiler; a GPU older than compute capability 8.0
        in float32; else the CPU in float32."""
        if not torch.cuda.is_available():
            return cls(torch.device("cpu"), torch.float32, fused=False)
        device = torch.device("cuda", torch.cuda.current_device())
        modern = torch.cuda.get_device_capability(device) >= (8, 0)
        return cls(device, torch.bfloat16 if modern else torch.float32, fused=modern and can_compile())


def network_of(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], read: Sequence[int], placement: Placement
) -> Network:
    """The unpadded pass. Raises ValueError for an architecture or a setting without one, KeyError for a missing tensor.

    tensors: by Hugging Face's names, as AutoModel.state_dict() has them; read: hidden states, as it counts them
    """
    shape: BertShape | ModernBertShape
    if config.get("model_type") == "modernbert":
        shape = ModernBertShape.of(config)
        width = shape.width
    else:
        shape = BertShape.of(config)
        width = shape.hidden // shape.heads
    placed = {name: tensor.to(placement.device, placement.dtype) for name, tensor in tensors.items()}
    kernel = kernel_for(placement.device, placement.dtype, width)
    parts = pointwise(compiled=placement.fused)
    if isinstance(shape, ModernBertShape):
        return PackedModernBert(shape, placed, read, kernel, parts)
    return PackedBert(shape, placed, read, kernel, parts)
