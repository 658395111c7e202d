"""The encoder as it is trained: any Hugging Face encoder, the layers it reads, the projection to 768."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from model.checkpoint import Checkpoint
from model.nested import WIDTH


class NestedEncoder(nn.Module):
    """Token states of the read layers side by side, mean over a text's real tokens, linear projection to 768.

    layers: hidden states that are read, counted as Hugging Face does (0 = embeddings, -1 = last). Of a narrow encoder
    two are read because a linear map of one 384-wide state to 768 dimensions has rank 384 only (docs/decisions/0004).
    """

    def __init__(self, backbone: nn.Module, layers: Sequence[int]) -> None:
        """The projection starts as the identity where 768 numbers are read, else as a random rotation."""
        super().__init__()
        self.backbone = backbone
        self.layers = tuple(layers)
        config: Any = backbone.config
        deepest = int(config.num_hidden_layers)
        if not layers or not all(-deepest - 1 <= layer <= deepest for layer in layers):
            raise ValueError(f"layers {self.layers}: the encoder has hidden states 0 to {deepest}")
        self.projection = nn.Linear(int(config.hidden_size) * len(self.layers), WIDTH, bias=False)
        if self.projection.in_features == WIDTH and len(self.layers) == 1:
            nn.init.eye_(self.projection.weight)
        else:
            nn.init.orthogonal_(self.projection.weight)

    @classmethod
    def open(
        cls,
        source: str | Path,
        layers: Sequence[int] | None = None,
        *,
        dropout: float = 0.0,
        attention: str | None = None,
    ) -> NestedEncoder:
        """Open any Hugging Face encoder by hub id or folder, in fp32, with this dropout everywhere.

        layers:    default see `default_layers`
        attention: an implementation by Hugging Face's name; flash_attention_2 runs without padding, on a GPU and
                   under autocast only. None = the library's choice
        Raises ValueError for layers that the encoder does not have.
        """
        config = AutoConfig.from_pretrained(source)
        for name in _dropouts(config):
            setattr(config, name, dropout)
        options: dict[str, Any] = {} if attention is None else {"attn_implementation": attention}
        backbone = AutoModel.from_pretrained(source, config=config, dtype=torch.float32, **options)
        if getattr(backbone, "pooler", None) is not None:
            backbone.pooler = None  # never read: without it no unused weight is trained or shipped
        return cls(backbone, default_layers(config) if layers is None else layers)

    @classmethod
    def resume(cls, checkpoint: Checkpoint, *, attention: str | None = None) -> NestedEncoder:
        """A trained checkpoint, projection included, to be trained on."""
        network = cls.open(checkpoint.path, checkpoint.layers, attention=attention)
        with torch.no_grad():
            network.projection.weight.copy_(torch.from_numpy(checkpoint.projection()))
        return network

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.projection.weight.device

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids, mask (B, L) -> states of the read layers side by side, (B, L, R)."""
        out = self.backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        return torch.cat([out.hidden_states[layer] for layer in self.layers], dim=-1)


def default_layers(config: Any) -> tuple[int, ...]:
    """The last hidden state of a 768-wide encoder; of any other the middle one and the last."""
    return (-1,) if int(config.hidden_size) == WIDTH else (int(config.num_hidden_layers) // 2, -1)


def _dropouts(config: Any) -> list[str]:
    """Names of the configuration's dropout rates: every architecture has its own, classifiers' do not matter."""
    return [
        name
        for name, value in config.to_dict().items()
        if "dropout" in name and "classifier" not in name and isinstance(value, float | int)
    ]
