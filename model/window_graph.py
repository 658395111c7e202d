"""A BERT encoder over windows of one length as an ONNX model, made when a checkpoint is opened; float32 or int8.

Input: ids (N, L) int64, N windows of exactly L tokens, special tokens included. Output: states (N x (L - 2), H x number
of read layers) float32, those of the real tokens. Nothing is padded, so no masks, and what is computed of a window
does not depend, bit by bit, on the windows beside it.

int8: the products of the linear layers. A weight has one scale for each of its columns. One scale found for a whole
batch, as ONNX Runtime's own dynamic quantisation has it, would let a clause's vector depend on its neighbours. So what
queries, keys, values and the layer behind attention read has one scale for good, found when the model is opened; the
product's kernel applies it, with the bias. In the two layers around a GELU the first token of a window is several times
as large as the others, and one scale would be too coarse for those: every row (token) has its own there, found as it is
computed. Activations are unsigned with a fixed zero point, because only unsigned x signed products have fast kernels on
x86. A few dimensions behind a normalisation are ten times as large as the others and would take most of the steps: they
are divided by a factor that their weights are multiplied with (SmoothQuant, Xiao et al. 2023, equation 4). Attention,
normalisation and sums stay float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from model import onnx_wire
from model.nested import Floats
from model.shapes import BertShape

MICROSOFT = "com.microsoft"
WORDS = "words"  # the tensor with a row for each word of the vocabulary
LEAST_GELU = 0.17  # GELU is never below -0.17 (its minimum is -0.16997)
_CENTRE = 128  # zero point of what is as often negative as positive
_GELU_ZERO = 24  # zero point behind a GELU: 231 of 255 steps are left for what is positive
_TINY = 1e-9  # scale of a row of zeros
_MOVED = 0.5  # SmoothQuant's alpha: how much of the difference between dimensions goes to the weights
_MOVED_FIXED = 0.8  # the same where one scale is fixed: there tokens with large dimensions set the steps of all tokens
_PER_OCTAVE = 2  # smoothing factors are powers of two and halves: last bits of the ranges do not change them
_STEPS_PER_OCTAVE = 16  # and fixed scales are those of sixteenths
_OUTSIDE = 1 << 16  # bytes from which on a tensor is handed to the session as it is, not copied into the model

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Quantised:
    """Rows of an activation as uint8, their zero point, and their scales, by their names in the graph.

    scales:    (T, 1), or () where one scale was fixed for all rows
    smoothing: (K,) what its dimensions were divided by; None = nothing
    """

    values: str
    zero: str
    scales: str
    fixed: bool
    smoothing: Floats | None


@dataclass(frozen=True, slots=True)
class Model:
    """An ONNX model and its large tensors, which it knows by name, kind and shape only."""

    content: bytes
    outside: Mapping[str, Array]


@dataclass(slots=True)
class WindowGraph:
    """Nodes and tensors while the graph grows. Methods return the name of what they made.

    weights: float arrays as a safetensors file of Hugging Face's BertModel names them
    ranges:  largest magnitudes (K,) of what linear layers read, but those behind a GELU, by the place; None = float32
    """

    weights: Mapping[str, Array]
    ranges: Mapping[str, Floats] | None
    observed: dict[str, str] = field(default_factory=dict)
    nodes: list[bytes] = field(default_factory=list)
    tensors: list[bytes] = field(default_factory=list)
    outside: dict[str, Array] = field(default_factory=dict)
    count: int = 0

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One node with one output."""
        self.count += 1
        name = f"{op.lower()}_{self.count}"
        self.nodes.append(onnx_wire.node(op, inputs, [name], domain, attributes))
        return name

    def constant(self, name: str, values: Array) -> str:
        """A tensor that is part of the graph."""
        if values.nbytes < _OUTSIDE:
            self.tensors.append(onnx_wire.tensor(name, values))
        else:
            self.outside[name] = np.ascontiguousarray(values)
            self.tensors.append(onnx_wire.outside(name, values))
        return name

    def wide(self, name: str) -> Floats:
        """A weight as float32."""
        return np.asarray(self.weights[name], dtype=np.float32)

    def rows(self, x: str, *, gelu: bool = False, smoothing: Floats | None = None) -> Quantised | None:
        """An activation (T, K) made ready for `linear`, with a scale for each row; None in float32."""
        if self.ranges is None:
            return None
        x, kind = self._divided(x, smoothing), "gelu" if gelu else "centre"
        largest = self.add("ReduceMax", x if gelu else self.add("Abs", x), "columns", keepdims=0)
        scale = self.add("Max", self.add("Mul", largest, f"{kind}_step"), f"{kind}_least")  # (T,)
        zeros = self.add("Expand", f"{kind}_zero", self.add("Shape", x, end=1))
        values = self.add("QuantizeLinear", x, scale, zeros, axis=0)
        return Quantised(values, f"{kind}_zero", self.add("Unsqueeze", scale, "columns"), False, smoothing)

    def fixed_rows(self, x: str, place: str, smoothing: Floats | None = None) -> Quantised | None:
        """As `rows`, with one scale for good, found from the ranges of the place."""
        self.observed[place] = x
        if self.ranges is None:
            return None
        largest = self.ranges[place] if smoothing is None else self.ranges[place] / smoothing
        scale = self.constant(f"{place}.step", fixed_scale(largest))
        values = self.add("QuantizeLinear", self._divided(x, smoothing), scale, "centre_zero")
        return Quantised(values, "centre_zero", scale, True, smoothing)

    def smoothing(self, x: str, place: str, names: Sequence[str], moved: float) -> Floats | None:
        """What x is to be divided by where the linear layers `names` read it; remembers x by the place."""
        self.observed[place] = x
        if self.ranges is None:
            return None
        weights = np.stack([np.abs(self.wide(f"{name}.weight")).max(axis=0) for name in names]).max(axis=0)
        return smoothing(self.ranges[place], weights, moved)

    def _divided(self, x: str, smoothing: Floats | None) -> str:
        return x if smoothing is None else self.add("Mul", x, self.constant(f"{x}_smoothing", 1 / smoothing))

    def linear(self, x: str, rows: Quantised | None, name: str, bias: Floats | None) -> str:
        """x W^T + bias over (T, K); rows: of the same x, quantised."""
        weight = self.wide(f"{name}.weight")
        added = [] if bias is None else [self.constant(f"{name}.bias", bias)]
        if rows is None:
            return self.add("Gemm", x, self.constant(f"{name}.weight", weight), *added, transB=1)
        values, scales = quantise(weight if rows.smoothing is None else weight * rows.smoothing)
        named = self.constant(f"{name}.int8", values.T), self.constant(f"{name}.scales", scales)
        if rows.fixed:  # the product's own kernel applies scale and bias
            inputs = rows.values, named[0], rows.scales, named[1], rows.zero, *(["", *added] if added else [])
            return self.add("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)
        inputs = rows.values, named[0], "one", named[1], rows.zero
        product = self.add("Mul", self.add("MatMulIntegerToFloat", *inputs, domain=MICROSOFT), rows.scales)
        return self.add("Add", product, *added) if added else product

    def norm(self, x: str, name: str, epsilon: float) -> str:
        """Layer normalisation."""
        parts = [self.constant(f"{name}.{part}", self.wide(f"{name}.{part}")) for part in ("weight", "bias")]
        return self.add("LayerNormalization", x, *parts, axis=-1, epsilon=epsilon)


def quantise(weight: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """(N, K) -> (N, K) int8 and (N,) scales: weight = int8 x scale, within half a step."""
    scales = np.maximum(np.abs(weight).max(axis=1), _TINY) / 127
    return np.round(weight / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def fixed_scale(largest: Floats) -> Floats:
    """(K,) largest magnitudes -> () the scale of uint8 around the centre, rounded up to a sixteenth of an octave."""
    step = max(float(largest.max()), _TINY) / (255 - _CENTRE)
    return np.array(2.0 ** (np.ceil(_STEPS_PER_OCTAVE * np.log2(step)) / _STEPS_PER_OCTAVE), dtype=np.float32)


def smoothing(activations: Floats, weights: Floats, moved: float) -> Floats:
    """(K,) and (K,) largest magnitudes by dimension -> (K,) what the activations are to be divided by.

    moved: SmoothQuant's alpha, 1 = all of what the activations' dimensions differ goes to the weights
    """
    factors = np.maximum(activations, _TINY) ** moved / np.maximum(weights, 1e-3) ** (1 - moved)
    steps = np.round(_PER_OCTAVE * np.log2(factors / factors.mean()))
    return np.asarray(2.0 ** (steps / _PER_OCTAVE), dtype=np.float32)


def build(
    shape: BertShape,
    weights: Mapping[str, Array],
    read_layers: Sequence[int],
    ranges: Mapping[str, Floats] | None = None,
    *,
    observing: bool = False,
) -> Model:
    """The model of these weights: int8 where ranges are given, else float32.

    read_layers count as Hugging Face does: 0 = embeddings, -1 = the last.
    observing: put out the ranges (K,) by their places as well
    """
    g = WindowGraph(weights, ranges)
    _constants(g, shape)
    windows = g.add("Concat", g.add("Shape", "ids", end=1), "any_length", axis=0)  # (N, whatever, H)
    hidden = [_embeddings(g, shape)]
    for layer in range(shape.layers):
        hidden.append(_layer(g, shape, f"encoder.layer.{layer}", hidden[-1], windows, last=layer == shape.layers - 1))
    places = [layer % len(hidden) for layer in read_layers]
    read = [hidden[at] if at == shape.layers else _real(g, hidden[at], windows) for at in places]
    g.nodes.append(onnx_wire.node("Concat", read, ["states"], "", {"axis": -1}))
    outputs = [onnx_wire.value("states", "float32", ["tokens", shape.hidden * len(read)])]
    for place, x in g.observed.items() if observing else ():
        g.nodes.append(onnx_wire.node("ReduceMax", [g.add("Abs", x), "zero"], [place], "", {"keepdims": 0}))
        outputs.append(onnx_wire.value(place, "float32", [shape.hidden]))
    ids = onnx_wire.value("ids", "int64", ["windows", "length"])
    return Model(onnx_wire.model("windows", g.nodes, g.tensors, [ids], outputs), g.outside)


def _constants(g: WindowGraph, shape: BertShape) -> None:
    for name, numbers in (
        ("zero", [0]),
        ("first_real", [1]),
        ("last_real", [-1]),
        ("columns", [1]),
        ("flat", [-1, shape.hidden]),
        ("any_length", [-1, shape.hidden]),
    ):
        g.constant(name, np.array(numbers, dtype=np.int64))
    if g.ranges is None:
        return
    g.constant("one", np.array(1, dtype=np.float32))
    for kind, zero, least in (("centre", _CENTRE, _TINY), ("gelu", _GELU_ZERO, LEAST_GELU / _GELU_ZERO)):
        g.constant(f"{kind}_zero", np.array(zero, dtype=np.uint8))
        g.constant(f"{kind}_step", np.array(1 / (255 - zero), dtype=np.float32))
        g.constant(f"{kind}_least", np.array(least, dtype=np.float32))


def _embeddings(g: WindowGraph, shape: BertShape) -> str:
    """(N x L, H)"""
    table = g.constant(WORDS, g.weights["embeddings.word_embeddings.weight"])  # as stored: fp16 stays fp16
    words = g.add("Cast", g.add("Gather", table, "ids"), to=onnx_wire.KINDS["float32"])
    kind = g.wide("embeddings.token_type_embeddings.weight")[0]
    places = g.constant("places", g.wide("embeddings.position_embeddings.weight") + kind)
    length = g.add("Shape", "ids", start=1)
    total = g.add("Add", words, g.add("Slice", places, "zero", length, "zero"))
    return g.norm(g.add("Reshape", total, "flat"), "embeddings.LayerNorm", shape.epsilon)


def _layer(g: WindowGraph, shape: BertShape, name: str, x: str, windows: str, *, last: bool) -> str:
    """(N x L, H) -> the same; the last layer gives the real tokens only, since no other is read."""
    place, joined = f"{name}.attention.self", f"{name}.attention.output.dense"
    read = [f"{place}.{part}" for part in ("query", "key", "value")]
    rows = g.fixed_rows(x, place, g.smoothing(x, place, read, _MOVED_FIXED))
    held = [g.linear(x, rows, one, None) for one in read[1:]]
    if last:
        x = _real(g, x, windows)
        rows = None if rows is None else replace(rows, values=_real(g, rows.values, windows))
    asked = g.linear(x, rows, read[0], g.wide(f"{read[0]}.bias"))
    heads = [g.add("Reshape", part, windows) for part in (asked, *held)]
    mixed = g.add("Attention", *heads, q_num_heads=shape.heads, kv_num_heads=shape.heads)
    mixed = g.add("Reshape", mixed, "flat")
    attended = g.linear(mixed, g.fixed_rows(mixed, joined), joined, _output_bias(g, name))
    x = g.norm(g.add("Add", attended, x), f"{name}.attention.output.LayerNorm", shape.epsilon)
    wide, narrow = f"{name}.intermediate.dense", f"{name}.output.dense"
    rows = g.rows(x, smoothing=g.smoothing(x, wide, [wide], _MOVED))
    inner = _inner(g, x, rows, wide)
    outer = g.linear(inner, g.rows(inner, gelu=True), narrow, g.wide(f"{narrow}.bias"))
    return g.norm(g.add("Add", outer, x), f"{name}.output.LayerNorm", shape.epsilon)


def _inner(g: WindowGraph, x: str, rows: Quantised | None, name: str) -> str:
    """A layer's wide part (T, 4 H), behind its GELU.

    int8 takes GELU with tanh, whose kernel adds the bias: it is within .0005 of the exact one, a twentieth of a step.
    """
    bias = g.wide(f"{name}.bias")
    if rows is None:
        return g.add("Gelu", g.linear(x, rows, name, bias))
    return g.add("FastGelu", g.linear(x, rows, name, None), g.constant(f"{name}.bias", bias), domain=MICROSOFT)


def _output_bias(g: WindowGraph, name: str) -> Floats:
    """The bias behind attention, with that of the values: shares sum to 1, so it passes through unchanged.

    That of the keys adds the same to every score of a query, and softmax takes it away again: it is left out.
    """
    weight, bias = (g.wide(f"{name}.attention.output.dense.{part}") for part in ("weight", "bias"))
    return np.asarray(bias + weight @ g.wide(f"{name}.attention.self.value.bias"), dtype=np.float32)


def _real(g: WindowGraph, x: str, windows: str) -> str:
    """(N x L, H) -> (N x (L - 2), H): without the special token at either end."""
    inside = g.add("Slice", g.add("Reshape", x, windows), "first_real", "last_real", "columns")
    return g.add("Reshape", inside, "flat")
