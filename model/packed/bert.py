"""BERT (Devlin et al. 2019) over packed tokens; model/bert_graph.py is the same as an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import embedding, layer_norm, linear

from model.packed.attention import Bounds, Kernel
from model.packed.pointwise import Pointwise
from model.shapes import BertShape

PARTS = ("query", "key", "value")


class PackedBert:
    """The weights of a Hugging Face BertModel, by its names, and its forward pass without padding.

    read: hidden states to give, as Hugging Face counts them: 0 = embeddings, -1 = the last
    """

    def __init__(
        self, shape: BertShape, weights: Mapping[str, Tensor], read: Sequence[int], kernel: Kernel, parts: Pointwise
    ) -> None:
        self._shape = shape
        self._weights = dict(weights)
        self._read = tuple(layer % (shape.layers + 1) for layer in read)
        self.kernel = kernel
        self.width = shape.hidden * len(self._read)
        self._parts = parts
        for layer in range(shape.layers):  # one product instead of three
            for kind in ("weight", "bias"):
                names = [f"encoder.layer.{layer}.attention.self.{part}.{kind}" for part in PARTS]
                self._weights[f"encoder.layer.{layer}.stacked.{kind}"] = torch.cat(
                    [self._weights.pop(name) for name in names]
                )

    def __call__(self, ids: Tensor, positions: Tensor, bounds: Bounds) -> Tensor:
        """(T,), (T,) -> (T, R) the read states side by side, in the weights' dtype."""
        x = self._embed(ids, positions)
        kept = {0: x}
        for layer in range(max(self._read)):  # no further than is read
            x = self._layer(f"encoder.layer.{layer}", x, bounds)
            if layer + 1 in self._read:
                kept[layer + 1] = x
        return torch.cat([kept[layer] for layer in self._read], dim=-1)

    def _embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        w = self._weights
        words = embedding(ids, w["embeddings.word_embeddings.weight"])
        places = embedding(positions, w["embeddings.position_embeddings.weight"])
        total = words + places + w["embeddings.token_type_embeddings.weight"][0]
        return layer_norm(total, total.shape[-1:], *self._norm("embeddings.LayerNorm"), self._shape.epsilon)

    def _layer(self, name: str, x: Tensor, bounds: Bounds) -> Tensor:
        heads, epsilon, add_norm = self._shape.heads, self._shape.epsilon, self._parts.add_norm
        query, key, value = self._linear(x, f"{name}.stacked").reshape(len(x), 3, heads, -1).unbind(1)
        mixed = self.kernel(query, key, value, bounds, None).flatten(1)
        attended = self._linear(mixed, f"{name}.attention.output.dense")
        _, x = add_norm(attended, x, *self._norm(f"{name}.attention.output.LayerNorm"), epsilon)
        inner = self._parts.activate(self._linear(x, f"{name}.intermediate.dense"))
        return add_norm(
            self._linear(inner, f"{name}.output.dense"), x, *self._norm(f"{name}.output.LayerNorm"), epsilon
        )[1]

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str) -> tuple[Tensor, Tensor]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
