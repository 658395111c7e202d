"""Windows of one length: the packed graph's states in float32, near them in int8, the same bits in any company."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from model import backends, window_graph
from model.backends import open_encoder
from model.checkpoint import Checkpoint
from model.cpu import flags, has_byte_products
from model.encoder import embed
from model.errors import BackendError
from model.onnx_encoder import OnnxEncoder
from model.shapes import BertShape
from model.tokenization import windows
from model.window_encoder import WindowEncoder, equal_batches, reads
from model.window_graph import LEAST_GELU, build, fixed_scale, quantise, smoothing

TEXTS = [
    "acute pain in the left leg",
    "type 2 diabetes with foot ulcer",
    "héart  FAILURE,\tchronic",
    "",
    "no history of fracture " * 20,  # longer than one window
    "x",
    "chronic kidney disease stage 3",
    "y",
]
needs_byte_products = pytest.mark.skipif(not has_byte_products(), reason="this CPU has no VNNI: int8 is not served")
PRECISIONS = (False, pytest.param(True, marks=needs_byte_products))


def test_float32_gives_the_states_of_the_packed_graph(tiny: Checkpoint) -> None:
    one, other = WindowEncoder(tiny, int8=False, threads=1).encode(TEXTS), OnnxEncoder(tiny, threads=1).encode(TEXTS)
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    np.testing.assert_allclose(one.states, other.states, atol=2e-5)


@needs_byte_products
def test_int8_is_near_float32_and_not_the_same(tiny: Checkpoint) -> None:
    texts = [text for text in TEXTS if text]
    wide, narrow = (embed(WindowEncoder(tiny, int8=int8, threads=1), texts) for int8 in (False, True))
    cosines = (wide * narrow).sum(axis=1)
    assert cosines.min() > 0.99
    assert not np.array_equal(wide, narrow)


@pytest.mark.parametrize("int8", PRECISIONS)
def test_the_bits_of_a_text_do_not_depend_on_what_shares_the_call(tiny: Checkpoint, int8: bool) -> None:
    encoder = WindowEncoder(tiny, int8=int8, threads=1)
    together = encoder.encode(TEXTS)
    for i, text in enumerate(TEXTS):
        np.testing.assert_array_equal(together.of(i)[0], encoder.encode([text]).states)


@pytest.mark.parametrize("int8", PRECISIONS)
def test_the_bits_do_not_depend_on_threads_and_batches(tiny: Checkpoint, int8: bool) -> None:
    alone = WindowEncoder(tiny, int8=int8, threads=1, batch_tokens=8).encode(TEXTS)
    spread = WindowEncoder(tiny, int8=int8, threads=4, batch_tokens=2048).encode(TEXTS)
    np.testing.assert_array_equal(alone.states, spread.states)


@pytest.mark.parametrize("int8", PRECISIONS)
def test_the_shipped_model_in_a_note_gives_the_bits_that_it_gives_alone(int8: bool) -> None:
    encoder = open_encoder(backend="onnx-int8" if int8 else "onnx")
    findings = ("fever", "type 2 diabetes mellitus with foot ulcer", "left knee pain after a fall", "COPD, stable")
    note = [
        f"{finding} {more}" for finding in findings for more in ("", "today", "since 2019", "and nausea", "in the past")
    ]
    together = encoder.encode(note)
    for i, text in enumerate(note):
        np.testing.assert_array_equal(together.of(i)[0], encoder.encode([text]).states)


@needs_byte_products
def test_the_shipped_model_in_int8_is_near_itself_in_float32() -> None:
    texts = ["NSTEMI", "type 2 diabetes mellitus with foot ulcer", "fracture of the left femur, initial encounter"]
    wide, narrow = (embed(open_encoder(backend=name), texts) for name in ("onnx", "onnx-int8"))
    assert (wide * narrow).sum(axis=1).min() > 0.99


def test_no_texts_give_no_states(tiny: Checkpoint) -> None:
    for texts in ([], ["", " "]):
        states = WindowEncoder(tiny, int8=False).encode(texts)
        assert (len(states), len(states.states)) == (len(texts), 0)


def test_auto_takes_int8_only_where_the_processor_has_byte_products(
    tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for has, expected in ((True, "onnx-int8"), (False, "onnx")):
        monkeypatch.setattr(backends, "has_byte_products", lambda has=has: has)
        assert open_encoder(tiny.path, "auto").info.backend == expected
        assert open_encoder(tiny.path, "onnx").info.backend == "onnx"


def test_int8_is_refused_on_a_processor_without_byte_products(
    tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "has_byte_products", lambda: False)
    with pytest.raises(BackendError, match="VNNI"):
        open_encoder(tiny.path, "onnx-int8")


def test_other_architectures_are_not_read_and_int8_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "modernbert"}')
    other = Checkpoint(tmp_path, "version", {})
    monkeypatch.setattr(Checkpoint, "open", lambda path: other)
    assert not reads(other)
    with pytest.raises(BackendError, match="BERT checkpoint"):
        open_encoder(tmp_path, "onnx-int8")


def test_flags_are_those_of_the_first_core(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu avx2 avx512_vnni\n\nprocessor : 1\nflags : fpu\n")
    assert flags(file) == frozenset({"fpu", "avx2", "avx512_vnni"})
    assert has_byte_products(file)
    file.write_text("flags : fpu avx2\n")
    assert not has_byte_products(file)
    assert flags(file.with_name("none")) is None
    assert not has_byte_products(file.with_name("none"))


def test_the_model_is_valid_onnx_and_holds_the_weights(tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = BertShape.of(json.loads((tiny.path / "config.json").read_text()))
    weights = load_file(tiny.path / "model.safetensors")
    name = "encoder.layer.0.output.dense.weight"
    for least in (0, 1 << 30):  # every tensor handed over beside the model, and none
        monkeypatch.setattr(window_graph, "_OUTSIDE", least)
        built = build(shape, weights, tiny.layers)
        model = onnx.load_from_string(built.content)
        for tensor in model.graph.initializer:
            if tensor.name in built.outside:
                assert tensor.data_location == onnx.TensorProto.EXTERNAL
                described = onnx.numpy_helper.from_array(built.outside[tensor.name], tensor.name)
                assert (described.dims, described.data_type) == (tensor.dims, tensor.data_type)
                tensor.CopyFrom(described)
        assert (len(built.outside) == 0) == (least > 0)
        onnx.checker.check_model(model, full_check=True)
        held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        np.testing.assert_array_equal(held[name], weights[name].astype(np.float32))
        np.testing.assert_array_equal(held["words"], weights["embeddings.word_embeddings.weight"])


def test_gelu_is_never_below_what_the_zero_point_leaves_room_for() -> None:
    least = min(x / 1000 * 0.5 * (1 + math.erf(x / 1000 / math.sqrt(2))) for x in range(-3000, 0))
    assert -LEAST_GELU < least < -LEAST_GELU + 0.001


@given(st.integers(0, 2**32 - 1))
def test_a_quantised_weight_is_within_half_a_step(seed: int) -> None:
    weight = np.random.default_rng(seed).standard_normal((6, 9)).astype(np.float32)
    weight[3] = 0
    values, scales = quantise(weight)
    assert values.dtype == np.int8
    assert (np.abs(values * scales[:, None] - weight) <= scales[:, None] * 0.5001).all()


@given(st.lists(st.integers(0, 70), max_size=30), st.integers(1, 200))
def test_batches_hold_every_window_once_and_one_length_each(counts: Sequence[int], budget: int) -> None:
    cut = windows(np.cumsum([0, *counts]), 30, 7)
    batches = equal_batches(cut, budget)
    assert sorted((w.start, w.end) for batch in batches for w in batch) == sorted((w.start, w.end) for w in cut)
    for batch in batches:
        lengths = {w.end - w.start + 2 for w in batch}
        assert len(lengths) == 1
        assert len(batch) == 1 or len(batch) * lengths.pop() <= budget


def test_smoothing_takes_steps_from_large_dimensions_and_keeps_the_product() -> None:
    generator = np.random.default_rng(3)
    x, weight = generator.standard_normal((50, 16)), generator.standard_normal((8, 16))
    x[:, 5] *= 40
    factors = smoothing(np.abs(x).max(axis=0).astype(np.float32), np.abs(weight).max(axis=0).astype(np.float32), 0.6)
    np.testing.assert_allclose((x / factors) @ (weight * factors).T, x @ weight.T)
    assert factors[5] == factors.max() > 4 * np.delete(factors, 5).max()
    np.testing.assert_array_equal(2 * np.log2(factors), np.round(2 * np.log2(factors)))


def test_a_fixed_scale_reaches_the_largest_and_last_bits_do_not_change_it() -> None:
    largest = np.array([0.3, 7.1, 2.0], dtype=np.float32)
    scale = float(fixed_scale(largest))
    assert 7.1 / 127 <= scale < 7.1 / 127 * 2 ** (1 / 16)
    assert fixed_scale(largest * np.float32(1 + 1e-6)) == scale
    assert fixed_scale(np.zeros(3, dtype=np.float32)) > 0


def test_int8_has_a_scale_for_each_row_only_around_a_gelu(tiny: Checkpoint) -> None:
    shape = BertShape.of(json.loads((tiny.path / "config.json").read_text()))
    weights = load_file(tiny.path / "model.safetensors")
    places = {
        f"encoder.layer.{layer}.{part}": np.linspace(1, 2, shape.hidden, dtype=np.float32)
        for layer in range(shape.layers)
        for part in ("attention.self", "attention.output.dense", "intermediate.dense")
    }
    ops = [n.op_type for n in onnx.load_from_string(build(shape, weights, tiny.layers, places).content).graph.node]
    assert ops.count("MatMulIntegerToFloat") == 6 * shape.layers
    assert ops.count("QuantizeLinear") == 4 * shape.layers
    assert ops.count("ReduceMax") == 2 * shape.layers
