"""A BERT encoder as an ONNX graph without weights: its initialisers point into the checkpoint's safetensors file.

Why by hand: an exported graph carries its own copy of the weights (another 45 MB) and pads every text to the longest.
Here all linear layers run over the real tokens of the whole batch laid end to end; only attention gathers them into
rows (true unpadding). Weights stay fp16 on disk and are widened once when the session opens.

Inputs, for T tokens in N windows of at most L tokens:
  ids (T,), positions (T,), gather (N, L) token of each place (padding: 0), mask (N, L) 0 or -1e9, scatter (T,) place
Output: states (T, H x number of read layers) float32.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

OPSET = 20
_DTYPES = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}


@dataclass(frozen=True, slots=True)
class BertShape:
    """The numbers of a BERT configuration that the graph needs."""

    layers: int
    hidden: int
    heads: int
    epsilon: float

    @classmethod
    def of(cls, config: Mapping[str, object]) -> BertShape:
        """From a Hugging Face config; raises ValueError when it is not a plain BERT."""
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise ValueError("only BERT encoders with exact GELU have a hand-made graph")
        return cls(
            layers=int(str(config["num_hidden_layers"])),
            hidden=int(str(config["hidden_size"])),
            heads=int(str(config["num_attention_heads"])),
            epsilon=float(str(config["layer_norm_eps"])),
        )


def tensor_places(path: Path) -> dict[str, tuple[str, list[int], int, int]]:
    """name -> (dtype, shape, absolute offset, length) of every tensor in a safetensors file."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    places = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            places[name] = (entry["dtype"], entry["shape"], 8 + size + start, end - start)
    return places


@dataclass(slots=True)
class _Graph:
    """Nodes and initialisers while the graph grows."""

    weights: Path
    places: dict[str, tuple[str, list[int], int, int]]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)
    count: int = 0

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        self.count += 1
        name = f"{op.lower()}_{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, name: str, *, widen: bool = True) -> str:
        dtype, shape, offset, length = self.places[name]
        tensor = TensorProto(name=name, data_type=_DTYPES[dtype], dims=shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", self.weights.name), ("offset", str(offset)), ("length", str(length))):
            tensor.external_data.add(key=key, value=value)
        self.initialisers.append(tensor)
        return self.add("Cast", [name], to=TensorProto.FLOAT) if widen and dtype != "F32" else name

    def constant(self, name: str, values: Sequence[int | float], kind: int, shape: Sequence[int] | None = None) -> str:
        dims = [len(values)] if shape is None else list(shape)
        self.initialisers.append(helper.make_tensor(name, kind, dims, list(values)))
        return name

    def linear(self, x: str, name: str) -> str:
        transposed = self.add("Transpose", [self.weight(f"{name}.weight")], perm=[1, 0])
        return self.add("Add", [self.add("MatMul", [x, transposed]), self.weight(f"{name}.bias")])

    def norm(self, x: str, name: str, epsilon: float) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", [x, scale, bias], axis=-1, epsilon=epsilon)


def build_graph(shape: BertShape, weights: Path, read_layers: Sequence[int]) -> onnx.ModelProto:
    """The graph for the weights in this safetensors file (names as Hugging Face's BertModel has them)."""
    g = _Graph(weights, tensor_places(weights))
    g.constant("rows_shape", [0, 0, shape.heads, shape.hidden // shape.heads], TensorProto.INT64)
    g.constant("flat_shape", [-1, shape.hidden], TensorProto.INT64)
    g.constant("scale", [(shape.hidden // shape.heads) ** -0.5], TensorProto.FLOAT, [])
    g.constant("axes", [1, 2], TensorProto.INT64)
    mask = g.add("Unsqueeze", ["mask", "axes"])  # (N, 1, 1, L)
    hidden = [_embeddings(g, shape)]
    for layer in range(shape.layers):
        hidden.append(_layer(g, shape, f"encoder.layer.{layer}", hidden[-1], mask))
    read = [hidden[layer] for layer in read_layers]
    g.nodes.append(helper.make_node("Concat", read, ["states"], axis=-1, name="states"))
    return _finish(g, shape.hidden * len(read))


def _embeddings(g: _Graph, shape: BertShape) -> str:
    words = g.add("Gather", [g.weight("embeddings.word_embeddings.weight", widen=False), "ids"])
    places = g.add("Gather", [g.weight("embeddings.position_embeddings.weight", widen=False), "positions"])
    g.constant("type_zero", [0], TensorProto.INT64, [])
    kind = g.add("Gather", [g.weight("embeddings.token_type_embeddings.weight", widen=False), "type_zero"])
    wide = [g.add("Cast", [x], to=TensorProto.FLOAT) for x in (words, places, kind)]
    total = g.add("Add", [g.add("Add", wide[:2]), wide[2]])
    return g.norm(total, "embeddings.LayerNorm", shape.epsilon)


def _layer(g: _Graph, shape: BertShape, name: str, x: str, mask: str) -> str:
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


def _finish(g: _Graph, width: int) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"]),
        helper.make_tensor_value_info("positions", TensorProto.INT64, ["tokens"]),
        helper.make_tensor_value_info("gather", TensorProto.INT64, ["windows", "longest"]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["windows", "longest"]),
        helper.make_tensor_value_info("scatter", TensorProto.INT64, ["tokens"]),
    ]
    outputs = [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["tokens", width])]
    graph = helper.make_graph(g.nodes, "nested_bert", inputs, outputs, g.initialisers)
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9, producer_name="icd-cascade")
