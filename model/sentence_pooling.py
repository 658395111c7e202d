"""The module that lets SentenceTransformer(path, truncate_dim=64) open a checkpoint folder.

Reads several layers side by side and averages them over the real tokens, as the other backends do.
"""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers.base.modules.module import Module
from torch import Tensor


class LayerPooling(Module):
    """Mean over a text's tokens, special tokens left out, of the states of `layers` side by side."""

    config_keys = ["layers", "width"]

    def __init__(self, layers: list[int], width: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers, self.width = layers, width

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """all_layer_embeddings: (B, L, H) each; attention_mask: (B, L) -> sentence_embedding (B, R)."""
        states = torch.cat([features["all_layer_embeddings"][layer] for layer in self.layers], dim=-1)
        mask = real_tokens(features["attention_mask"]).unsqueeze(-1).to(states.dtype)
        features["sentence_embedding"] = (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        return features

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Write the configuration; there are no weights."""
        self.save_config(output_path)

    def get_embedding_dimension(self) -> int:
        """R, what the projection after this module reads."""
        return self.width


def real_tokens(attention: Tensor) -> Tensor:
    """(B, L) attention mask of right-padded windows -> mask without each window's first and last token."""
    last = attention.cumsum(1) == attention.sum(1, keepdim=True)
    inner = attention.bool() & ~last
    inner[:, 0] = False
    return inner
