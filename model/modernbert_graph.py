"""A ModernBERT encoder (Warner et al. 2024) as an ONNX graph without weights, made by hand as model/bert_graph.py is.

Linear layers run over the real tokens of the batch laid end to end; attention gathers them into rows. Rotary positions
(Su et al. 2021) are computed from `positions`, which count from each window's beginning. Local layers see tokens at
most half of `local_attention` away. Inputs and output stand in model/onnx_graph.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto

from model.onnx_graph import Graph, finish
from model.shapes import ModernBertShape

_FAR = -1e9


@dataclass(frozen=True, slots=True)
class _Attention:
    """What all layers of one kind share: additive mask (N, 1, L | 1, L), cosines and sines (T, 1, d)."""

    mask: str
    cosines: str
    sines: str


def build_graph(shape: ModernBertShape, weights: Path, read_layers: Sequence[int]) -> onnx.ModelProto:
    """The graph for the weights in this safetensors file (names as Hugging Face's ModernBertModel has them).

    read_layers count as Hugging Face does: 0 = embeddings, the last one with the final norm.
    """
    g = Graph.over(weights)
    g.constant("heads_shape", [-1, 3, shape.heads, shape.width], TensorProto.INT64)
    g.constant("rows_shape", [0, 0, shape.heads, shape.width], TensorProto.INT64)
    g.constant("token_shape", [-1, shape.hidden], TensorProto.INT64)
    g.constant("scale", [shape.width**-0.5], TensorProto.FLOAT, [])
    kinds = (_attention(g, shape, local=False), _attention(g, shape, local=True))
    words = g.add("Gather", [g.weight("embeddings.tok_embeddings.weight", widen=False), "ids"])
    hidden = [g.norm(g.add("Cast", [words], to=TensorProto.FLOAT), "embeddings.norm", shape.epsilon)]
    for layer, local in enumerate(shape.local):
        hidden.append(_layer(g, shape, layer, hidden[-1], kinds[local]))
    hidden[-1] = g.norm(hidden[-1], "final_norm", shape.epsilon)
    read = [hidden[layer] for layer in read_layers]
    return finish(g, read, shape.hidden * len(read), "nested_modernbert")


def _attention(g: Graph, shape: ModernBertShape, *, local: bool) -> _Attention:
    name = "local" if local else "global"
    half = [shape.thetas[local] ** (-2 * i / shape.width) for i in range(shape.width // 2)]
    g.constant(f"{name}_frequencies", [*half, *half], TensorProto.FLOAT, [1, 1, shape.width])
    g.constant(f"{name}_token_axes", [1, 2], TensorProto.INT64)
    places = g.add("Unsqueeze", [g.add("Cast", ["positions"], to=TensorProto.FLOAT), f"{name}_token_axes"])
    angles = g.add("Mul", [places, f"{name}_frequencies"])  # (T, 1, d)
    mask = g.add("Unsqueeze", ["mask", f"{name}_token_axes"])  # (N, 1, 1, L)
    if local:
        mask = g.add("Add", [mask, _band(g, shape.reach)])  # (N, 1, L, L)
    return _Attention(mask, g.add("Cos", [angles]), g.add("Sin", [angles]))


def _band(g: Graph, reach: int) -> str:
    """(L, L): 0 where two places are at most `reach` apart, else -1e9."""
    for name, value in (("zero", 0), ("one", 1), ("reach", reach)):
        g.constant(name, [value], TensorProto.INT64, [])
    for name, value in (("row_axis", 0), ("column_axis", 1)):
        g.constant(name, [value], TensorProto.INT64)
    g.constant("near_value", [0.0], TensorProto.FLOAT, [])
    g.constant("far_value", [_FAR], TensorProto.FLOAT, [])
    longest = g.add("Gather", [g.add("Shape", ["gather"]), "one"], axis=0)
    places = g.add("Range", ["zero", longest, "one"])
    apart = g.add("Sub", [g.add("Unsqueeze", [places, "row_axis"]), g.add("Unsqueeze", [places, "column_axis"])])
    return g.add("Where", [g.add("LessOrEqual", [g.add("Abs", [apart]), "reach"]), "near_value", "far_value"])


def _layer(g: Graph, shape: ModernBertShape, layer: int, x: str, kind: _Attention) -> str:
    name = f"layers.{layer}"
    normed = g.norm(x, f"{name}.attn_norm", shape.epsilon) if layer else x  # the embeddings are normalised already
    x = g.add("Add", [x, _attend(g, f"{name}.attn", normed, kind)])
    inner = g.linear(g.norm(x, f"{name}.mlp_norm", shape.epsilon), f"{name}.mlp.Wi")
    value, gate = _halves(g, inner)
    return g.add("Add", [x, g.linear(g.add("Mul", [g.add("Gelu", [value]), gate]), f"{name}.mlp.Wo")])


def _attend(g: Graph, name: str, x: str, kind: _Attention) -> str:
    stacked = g.add("Reshape", [g.linear(x, f"{name}.Wqkv"), "heads_shape"])  # (T, 3, heads, d)
    parts = [g.add("Gather", [stacked, place], axis=1) for place in _three(g)]  # (T, heads, d) each
    query, key = (_rotate(g, part, kind) for part in parts[:2])
    rows = [
        g.add("Transpose", [g.add("Reshape", [g.add("Gather", [flat, "gather"]), "rows_shape"])], perm=perm)
        for flat, perm in ((query, [0, 2, 1, 3]), (key, [0, 2, 3, 1]), (parts[2], [0, 2, 1, 3]))
    ]
    scores = g.add("Mul", [g.add("MatMul", rows[:2]), "scale"])  # (N, heads, L, L)
    shares = g.add("Softmax", [g.add("Add", [scores, kind.mask])], axis=-1)
    mixed = g.add("Transpose", [g.add("MatMul", [shares, rows[2]])], perm=[0, 2, 1, 3])
    packed = g.add("Gather", [g.add("Reshape", [mixed, "token_shape"]), "scatter"])  # (T, H)
    return g.linear(packed, f"{name}.Wo")


def _three(g: Graph) -> tuple[str, str, str]:
    """The places of query, key and value in the stacked projection, made once."""
    names = ("query_place", "key_place", "value_place")
    if not any(tensor.name == names[0] for tensor in g.initialisers):
        for place, name in enumerate(names):
            g.constant(name, [place], TensorProto.INT64, [])
    return names


def _rotate(g: Graph, x: str, kind: _Attention) -> str:
    """x cos + rotate_half(x) sin, over (T, heads, d)."""
    first, second = _halves(g, x)
    turned = g.add("Concat", [g.add("Neg", [second]), first], axis=-1)
    return g.add("Add", [g.add("Mul", [x, kind.cosines]), g.add("Mul", [turned, kind.sines])])


def _halves(g: Graph, x: str) -> tuple[str, str]:
    """The two halves of the last axis."""
    first = g.add("Split", [x], axis=-1, num_outputs=2)
    second = f"{first}_second"
    g.nodes[-1].output.append(second)
    return first, second
