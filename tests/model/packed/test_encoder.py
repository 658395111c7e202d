"""The unpadded encoder behind the port: parity, fixed shapes, states that stay where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from model.checkpoint import DEFAULT, Checkpoint
from model.encoder import StatesOnDevice, TokenStates, embed
from model.errors import ModelError
from model.onnx_encoder import OnnxEncoder
from model.packed import recorded
from model.packed.attention import Bounds, by_length
from model.packed.encoder import PackedEncoder
from model.packed.network import Placement
from model.packed.opening import open_torch
from model.packed.packing import filled, kept_rows, pack
from model.packed.recorded import RecordedRuns
from model.tokenization import Window
from model.torch_encoder import TorchEncoder
from tests.model.tiny import write_tiny_modernbert

CPU = Placement(torch.device("cpu"), torch.float32, fused=False)
TEXTS = ["acute pain in the left leg", "x", "", "no history of fracture " * 20, "héart  FAILURE,\tchronic", "fever"]
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture(scope="module")
def packed(tiny: Checkpoint) -> PackedEncoder:
    return PackedEncoder.from_checkpoint(tiny, placement=CPU, batch_tokens=48)


@pytest.fixture(scope="module")
def fixed(tiny: Checkpoint) -> PackedEncoder:
    """Every run as on a GPU, less the recording."""
    return PackedEncoder.from_checkpoint(tiny, placement=CPU, batch_tokens=48, fixed=True)


@pytest.mark.parametrize("name", ["packed", "fixed"])
def test_states_equal_those_of_the_other_backends(name: str, tiny: Checkpoint, request: pytest.FixtureRequest) -> None:
    ours: PackedEncoder = request.getfixturevalue(name)
    found = ours.encode(TEXTS)
    for other in (OnnxEncoder(tiny, threads=1), TorchEncoder.from_checkpoint(tiny)):
        expected = other.encode(TEXTS)
        np.testing.assert_array_equal(found.rows, expected.rows)
        np.testing.assert_array_equal(found.offsets, expected.offsets)
        np.testing.assert_allclose(found.states, expected.states, atol=1e-4)
        np.testing.assert_allclose(embed(ours, TEXTS), embed(other, TEXTS), atol=1e-4)
    assert ours.info == TorchEncoder.from_checkpoint(tiny).info
    assert ours.device == "cpu"


def test_at_fixed_shapes_a_text_has_the_same_bits_whatever_shares_the_run(fixed: PackedEncoder) -> None:
    together = fixed.encode(TEXTS)
    for place in (0, 1, 3, 4):
        np.testing.assert_array_equal(together.of(place)[0], fixed.encode([TEXTS[place]]).states)


def test_states_on_the_device_answer_as_those_on_the_host(packed: PackedEncoder) -> None:
    there = packed.encode(TEXTS)
    here = TokenStates(there.states, there.offsets, there.rows)
    assert isinstance(there, StatesOnDevice) and not isinstance(here, StatesOnDevice)
    assert there.states is there.states  # copied once
    spans = np.array([[0, 3], [2, 9], [6, 7], [40, 41]])
    np.testing.assert_allclose(there.means(spans), here.means(spans), atol=1e-6)
    assert there.means(spans[:0]).shape == here.means(spans[:0]).shape == (0, 64)
    np.testing.assert_allclose(there.pool(), here.pool(), atol=1e-6)
    rows = np.array([5, 0, 7])
    assert isinstance(there.projected(rows, 128), Tensor)
    np.testing.assert_array_equal(there.projected(rows, 128), there.fetched(rows, 128))
    np.testing.assert_allclose(there.fetched(rows, 128), packed.project(here.states[rows])[:, :128], atol=1e-4)


def test_nothing_to_encode_gives_nothing(packed: PackedEncoder) -> None:
    for texts in ([], [""], ["", ""]):
        states = packed.encode(texts)
        assert len(states) == len(texts)
        assert states.states.shape == (0, 64)


def test_kept_rows_are_those_of_the_overlapping_windows() -> None:
    windows = [Window(0, 8, 0, 6), Window(4, 12, 6, 12)]
    laid = pack(windows, np.arange(100, 112), first=2, last=3)
    assert laid.ids.tolist() == [2, *range(100, 108), 3, 2, *range(104, 112), 3]
    assert laid.positions.tolist() == [*range(10), *range(10)]
    assert laid.shape == (20, 2, 10)
    sources, targets = kept_rows(windows, laid)
    assert targets.tolist() == list(range(12))
    assert laid.ids[sources].tolist() == list(range(100, 112))


def test_filled_runs_share_few_shapes() -> None:
    laid = pack([Window(0, 3, 0, 3), Window(3, 4, 3, 4)], np.arange(9), first=2, last=3)
    full = filled(laid, 30)
    assert full.shape == (30, 8, 8)  # 5 + 3 + 8 + 8 + 6 tokens, three sequences without any
    assert np.diff(full.starts).tolist() == [5, 3, 8, 8, 6, 0, 0, 0]
    assert full.ids[:8].tolist() == laid.ids.tolist() and not full.ids[8:].any()
    assert full.positions.max() == 7
    assert filled(laid, 8).shape == (8, 2, 8)
    long = pack([Window(0, 198, 0, 198)], np.arange(198), first=2, last=3)
    assert np.diff(filled(long, 500).starts).tolist() == [200, 128, 128, 44]
    assert filled(filled(laid, 30), 30).shape == (30, 8, 8)
    with pytest.raises(ValueError, match="8 tokens do not fit 7"):
        filled(laid, 7)


class Echo:
    """A network whose states are its ids and positions."""

    kernel = staticmethod(by_length)
    width = 2

    def __call__(self, ids: Tensor, positions: Tensor, bounds: Bounds) -> Tensor:
        assert int(bounds.starts[-1]) == len(ids) == sum(bounds.lengths)
        return torch.stack([ids, positions], dim=1).float()


def test_recorded_runs_write_into_the_same_buffers_and_forget_old_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "MOST", 2)
    runs = RecordedRuns(Echo(), CPU.device, 64)
    batches = [
        pack([Window(0, size, 0, size)] * count, np.arange(50, 90), first=2, last=3)
        for size, count in ((2, 3), (3, 2), (20, 1), (2, 4), (38, 1), (2, 3))
    ]
    for batch in batches:
        found = runs(batch)
        np.testing.assert_array_equal(found[: len(batch), 0], batch.ids)
        np.testing.assert_array_equal(found[: len(batch), 1], batch.positions)
        assert len(runs.shapes) <= 2
    assert filled(batches[-1], 64).shape in runs.shapes
    kept = next(iter(runs._recordings.values())).ids.data_ptr()
    runs(batches[-1])
    assert kept in [one.ids.data_ptr() for one in runs._recordings.values()]


def test_any_768_wide_modernbert_runs_without_padding(tmp_path: Path) -> None:
    write_tiny_modernbert(tmp_path, width=768)
    ours, padded = open_torch(tmp_path), TorchEncoder.from_hugging_face(tmp_path)
    assert isinstance(ours, PackedEncoder)
    assert ours.info == padded.info
    np.testing.assert_allclose(ours.encode(TEXTS).states, padded.encode(TEXTS).states, atol=2e-4)
    states = ours.encode(TEXTS[:1])
    np.testing.assert_array_equal(ours.project(states.states), states.states)
    np.testing.assert_array_equal(states.projected(np.arange(2), 64), states.states[:2, :64])


def test_an_architecture_without_an_unpadded_pass_is_padded(
    tiny: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("hidden_act")

    monkeypatch.setattr("model.packed.encoder.network_of", refuse)
    monkeypatch.setattr("model.packed.opening.network_of", refuse)
    write_tiny_modernbert(tmp_path, width=768)
    for path in (tiny.path, tmp_path):
        assert isinstance(open_torch(path), TorchEncoder)
    write_tiny_modernbert(tmp_path, width=32)
    with pytest.raises(ModelError, match="train a projection first"):
        open_torch(tmp_path)


@gpu
def test_the_gpu_gives_the_same_bits_whatever_shares_the_run(tiny: Checkpoint) -> None:
    encoder = PackedEncoder.from_checkpoint(tiny)
    together = encoder.encode(TEXTS * 20)
    for place in (0, 1, 3, 4):
        for _ in range(2):  # recorded, then replayed
            np.testing.assert_array_equal(together.of(place)[0], encoder.encode([TEXTS[place]]).states)


@gpu
def test_the_gpu_is_near_the_cpu() -> None:
    texts = ["NSTEMI", "type 2 diabetes mellitus with foot ulcer", "fracture of the left femur, initial encounter"]
    there, here = (PackedEncoder.from_checkpoint(Checkpoint.open(DEFAULT), placement=p) for p in (None, CPU))
    assert (embed(there, texts) * embed(here, texts)).sum(1).min() >= 0.999
