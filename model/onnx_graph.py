"""What hand-made ONNX graphs of encoders share: weights that stay in a safetensors file, and their inputs.

Inputs of every graph, for T tokens in N windows of at most L tokens:
  ids (T,), positions (T,), gather (N, L) token of each place (padding: 0), mask (N, L) 0 or -1e9, scatter (T,) place
Output: states (T, H x number of read layers) float32.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

OPSET = 20
_DTYPES = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}


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
class Graph:
    """Nodes and initialisers while the graph grows. Methods return the name of what they made."""

    weights: Path
    places: dict[str, tuple[str, list[int], int, int]]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)
    count: int = 0

    @classmethod
    def over(cls, weights: Path) -> Graph:
        """An empty graph over the weights of a safetensors file."""
        return cls(weights, tensor_places(weights))

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """One node with one output."""
        self.count += 1
        name = f"{op.lower()}_{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, name: str, *, widen: bool = True) -> str:
        """A tensor of the safetensors file, as float32 unless it is to be widened later."""
        dtype, shape, offset, length = self.places[name]
        tensor = TensorProto(name=name, data_type=_DTYPES[dtype], dims=shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", self.weights.name), ("offset", str(offset)), ("length", str(length))):
            tensor.external_data.add(key=key, value=value)
        self.initialisers.append(tensor)
        return self.add("Cast", [name], to=TensorProto.FLOAT) if widen and dtype != "F32" else name

    def constant(self, name: str, values: Sequence[int | float], kind: int, shape: Sequence[int] | None = None) -> str:
        """A constant; one-dimensional unless a shape is given."""
        dims = [len(values)] if shape is None else list(shape)
        self.initialisers.append(helper.make_tensor(name, kind, dims, list(values)))
        return name

    def linear(self, x: str, name: str) -> str:
        """x W^T + b; without b where the file has none."""
        transposed = self.add("Transpose", [self.weight(f"{name}.weight")], perm=[1, 0])
        product = self.add("MatMul", [x, transposed])
        bias = f"{name}.bias"
        return self.add("Add", [product, self.weight(bias)]) if bias in self.places else product

    def norm(self, x: str, name: str, epsilon: float) -> str:
        """Layer normalisation; without bias where the file has none."""
        names = [part for part in (f"{name}.weight", f"{name}.bias") if part in self.places]
        return self.add("LayerNormalization", [x, *map(self.weight, names)], axis=-1, epsilon=epsilon)


def finish(g: Graph, read: Sequence[str], width: int, name: str) -> onnx.ModelProto:
    """The model whose output is the read states side by side, `width` in all."""
    g.nodes.append(helper.make_node("Concat", list(read), ["states"], axis=-1, name="states"))
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"]),
        helper.make_tensor_value_info("positions", TensorProto.INT64, ["tokens"]),
        helper.make_tensor_value_info("gather", TensorProto.INT64, ["windows", "longest"]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["windows", "longest"]),
        helper.make_tensor_value_info("scatter", TensorProto.INT64, ["tokens"]),
    ]
    outputs = [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["tokens", width])]
    graph = helper.make_graph(g.nodes, name, inputs, outputs, g.initialisers)
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9, producer_name="icd-cascade")
