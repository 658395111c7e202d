"""A BERT encoder as an ONNX graph without weights: its initialisers point into the checkpoint's safetensors file.

Why by hand: an exported graph carries its own copy of the weights (another 45 MB) and pads every text to the longest.
Here all linear layers run over the real tokens of the whole batch laid end to end; only attention gathers them into
rows (true unpadding). Weights stay fp16 on disk and are widened once when the session opens.
Inputs and output stand in model/onnx_graph.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto

from model.onnx_graph import Graph, finish
from model.shapes import BertShape


def build_graph(shape: BertShape, weights: Path, read_layers: Sequence[int]) -> onnx.ModelProto:
    """The graph for the weights in this safetensors file (names as Hugging Face's BertModel has them)."""
    g = Graph.over(weights)
    g.constant("rows_shape", [0, 0, shape.heads, shape.hidden // shape.heads], TensorProto.INT64)
    g.constant("flat_shape", [-1, shape.hidden], TensorProto.INT64)
    g.constant("scale", [(shape.hidden // shape.heads) ** -0.5], TensorProto.FLOAT, [])
    g.constant("axes", [1, 2], TensorProto.INT64)
    mask = g.add("Unsqueeze", ["mask", "axes"])  # (N, 1, 1, L)
    hidden = [_embeddings(g, shape)]
    for layer in range(shape.layers):
        hidden.append(_layer(g, shape, f"encoder.layer.{layer}", hidden[-1], mask))
    read = [hidden[layer] for layer in read_layers]
    return finish(g, read, shape.hidden * len(read), "nested_bert")


def _embeddings(g: Graph, shape: BertShape) -> str:
    words = g.add("Gather", [g.weight("embeddings.word_embeddings.weight", widen=False), "ids"])
    places = g.add("Gather", [g.weight("embeddings.position_embeddings.weight", widen=False), "positions"])
    g.constant("type_zero", [0], TensorProto.INT64, [])
    kind = g.add("Gather", [g.weight("embeddings.token_type_embeddings.weight", widen=False), "type_zero"])
    wide = [g.add("Cast", [x], to=TensorProto.FLOAT) for x in (words, places, kind)]
    total = g.add("Add", [g.add("Add", wide[:2]), wide[2]])
    return g.norm(total, "embeddings.LayerNorm", shape.epsilon)


def _layer(g: Graph, shape: BertShape, name: str, x: str, mask: str) -> str:
    rows = []
    for part, perm in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        flat = g.linear(x, f"{name}.attention.self.{part}")  # (T, H)
        padded = g.add("Reshape", [g.add("Gather", [flat, "gather"]), "rows_shape"])  # (N, L, heads, d)
        rows.append(g.add("Transpose", [padded], perm=perm))
    scores = g.add("Mul", [g.add("MatMul", rows[:2]), "scale"])  # (N, heads, L, L)
    weights = g.add("Softmax", [g.add("Add", [scores, mask])], axis=-1)
    mixed = g.add("Transpose", [g.add("MatMul", [weights, rows[2]])], perm=[0, 2, 1, 3])
    packed = g.add("Gather", [g.add("Reshape", [mixed, "flat_shape"]), "scatter"])  # (T, H)
    attended = g.add("Add", [g.linear(packed, f"{name}.attention.output.dense"), x])
    x = g.norm(attended, f"{name}.attention.output.LayerNorm", shape.epsilon)
    inner = g.add("Gelu", [g.linear(x, f"{name}.intermediate.dense")])
    return g.norm(g.add("Add", [g.linear(inner, f"{name}.output.dense"), x]), f"{name}.output.LayerNorm", shape.epsilon)
