"""Gradual unfreezing and discriminative learning rates (Howard and Ruder 2018, ULMFiT, sections 3.2 and 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from model.training.planting.attention import PlantedAttention

LAYER_DECAY = 2.6  # each deeper layer learns this much slower (ULMFiT, section 3.2)


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates of the parts; an encoder layer learns LAYER_DECAY slower than the one above it."""

    maps: float = 2e-3
    attention: float = 7e-4
    bias: float = 2e-2
    encoder: float = 2e-5
    decay: float = 1e-2


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that thaw together. from_epoch: the first epoch, counted from 0, in which they learn."""

    name: str
    parameters: tuple[nn.Parameter, ...]
    rate: float
    decay: float
    from_epoch: int

    def thaw(self, epoch: int) -> None:
        """Let the parameters learn, or keep them frozen."""
        for parameter in self.parameters:
            parameter.requires_grad_(epoch >= self.from_epoch)


def groups(
    module: PlantedAttention, rates: Rates, layers: Sequence[nn.Module] = (), *, boost: bool = True
) -> list[Group]:
    """Projection maps first, from the next epoch the attentions too, then one encoder layer an epoch, top first.

    layers: encoder layers to train, top first. boost False keeps the boost at its start, ones.
    """
    maps = (*module.query.parameters(), *module.value.parameters())
    head = (module.scales, *((module.boost,) if boost else ()))
    made = [
        Group("maps", maps, rates.maps, rates.decay, 0),
        Group("head", head, rates.maps, 0.0, 0),
        Group("bias", (module.bias,), rates.bias, 0.0, 0),
        Group("attention", (module.mix, *module.ranker.parameters()), rates.attention, 0.0, 1),
    ]
    for depth, layer in enumerate(layers):
        rate = rates.encoder / LAYER_DECAY**depth
        made.append(Group(f"encoder layer {depth}", tuple(layer.parameters()), rate, rates.decay, 2 + depth))
    if not boost:
        module.boost.requires_grad_(False)
    return made


def optimizer(made: Sequence[Group]) -> torch.optim.AdamW:
    """AdamW with one parameter group each. Decay pulls the low-rank maps back to the identity, and nothing else."""
    return torch.optim.AdamW([{"params": list(g.parameters), "lr": g.rate, "weight_decay": g.decay} for g in made])


def top_layers(backbone: nn.Module, count: int) -> Iterator[nn.Module]:
    """The last `count` transformer layers of a Hugging Face encoder, top first. Raises ValueError where none is found.

    BERT keeps them in encoder.layer, ModernBERT in layers.
    """
    for path in ("encoder.layer", "layers"):
        try:
            stack = backbone.get_submodule(path)
        except AttributeError:
            continue
        if isinstance(stack, nn.ModuleList):
            yield from reversed(list(stack)[-count:])
            return
    raise ValueError("the encoder keeps its layers neither in encoder.layer nor in layers")
