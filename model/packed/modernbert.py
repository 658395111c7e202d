"""ModernBERT (Warner et al. 2024) over packed tokens; model/modernbert_graph.py is the same as an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import embedding, layer_norm, linear

from model.packed.attention import Bounds, Kernel
from model.packed.pointwise import Pointwise
from model.shapes import ModernBertShape


class PackedModernBert:
    """The weights of a Hugging Face ModernBertModel, by its names, and its forward pass without padding.

    read: hidden states to give, as Hugging Face counts them: 0 = embeddings, -1 = the last, after the final norm
    """

    def __init__(
        self,
        shape: ModernBertShape,
        weights: Mapping[str, Tensor],
        read: Sequence[int],
        kernel: Kernel,
        parts: Pointwise,
    ) -> None:
        self._shape = shape
        self._weights = dict(weights)
        self._layers = len(shape.local)
        self._read = tuple(layer % (self._layers + 1) for layer in read)
        self.kernel = kernel
        self.width = shape.hidden * len(self._read)
        self._parts = parts
        device = self._weights["embeddings.tok_embeddings.weight"].device
        steps = torch.arange(0, shape.width, 2, device=device, dtype=torch.float32) / shape.width
        self._frequencies = {
            local: (theta**-steps).repeat(2) for local, theta in zip((False, True), shape.thetas, strict=True)
        }

    def __call__(self, ids: Tensor, positions: Tensor, bounds: Bounds) -> Tensor:
        """(T,), (T,) -> (T, R) the read states side by side, in the weights' dtype."""
        shape, w = self._shape, self._weights
        angles = {local: positions[:, None] * turns for local, turns in self._frequencies.items()}  # (T, d)
        turns = {local: (angle.cos(), angle.sin()) for local, angle in angles.items()}
        words = embedding(ids, w["embeddings.tok_embeddings.weight"])
        x = layer_norm(words, words.shape[-1:], *self._norm("embeddings.norm"), shape.epsilon)
        normed, kept = x, {0: x}  # the embeddings are normalised already
        for layer in range(max(self._read)):
            x, normed = self._layer(layer, x, normed, turns[shape.local[layer]], bounds)
            if layer + 1 in self._read:
                kept[layer + 1] = normed if layer + 1 == self._layers else x
        return torch.cat([kept[layer] for layer in self._read], dim=-1)

    def _layer(
        self, layer: int, x: Tensor, normed: Tensor, turns: tuple[Tensor, Tensor], bounds: Bounds
    ) -> tuple[Tensor, Tensor]:
        """The residual stream and what the next block reads of it: each norm is computed with the sum before it."""
        name, shape, parts = f"layers.{layer}", self._shape, self._parts
        stacked = self._linear(normed, f"{name}.attn.Wqkv").reshape(len(x), 3, shape.heads, -1)
        query, key = parts.rotate(stacked, *turns)
        reach = shape.reach if shape.local[layer] else None
        mixed = self.kernel(query, key, stacked[:, 2], bounds, reach).flatten(1)
        attended = self._linear(mixed, f"{name}.attn.Wo")
        x, normed = parts.add_norm(x, attended, *self._norm(f"{name}.mlp_norm"), shape.epsilon)
        changed = self._linear(parts.gate(self._linear(normed, f"{name}.mlp.Wi")), f"{name}.mlp.Wo")
        after = "final_norm" if layer + 1 == self._layers else f"layers.{layer + 1}.attn_norm"
        return parts.add_norm(x, changed, *self._norm(after), shape.epsilon)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return linear(x, self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias"))

    def _norm(self, name: str) -> tuple[Tensor, Tensor | None]:
        return self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias")
