"""The GPU part of the benchmark over tiny shapes on the CPU; on a GPU machine in full by `icd-cascade bench`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from app.evaluation.benching import gpu
from app.evaluation.benching.gpu import Opened, measure_gpu, measure_notes, parity, why_not
from app.evaluation.benching.packed_speed import PADDED, UNPADDED, Trial, flops, measure_packed, mixed_lengths
from app.evaluation.benching.tables import render_parts
from app.evaluation.errors import EvaluationError
from app.pipeline.note import Document, Note
from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.loader import load
from model.nested import Floats
from model.packed.network import Placement
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

TINY = Trial(layers=4, hidden=32, heads=2, inner=48, local=8, shortest=3, longest=40, tokens=200, words=64, matrix=64)
CPU = Placement(torch.device("cpu"), torch.float32, fused=False)
NOTES = [Note((Document("Hay fever and low iron."),)), Note((Document("Migraine with aura."),))]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="test")
    index = load(tmp_path, "fake", FakeEncoder())
    yield FakeEncoder(), CodingPipeline(FakeEncoder(), index)
    index.close()


class Noisy(FakeEncoder):
    def project(self, states: Floats) -> Floats:
        return np.asarray(-super().project(states))


def test_lengths_are_mixed_and_always_the_same() -> None:
    lengths = mixed_lengths(Trial())
    assert (lengths.sum(), lengths.max()) == (131_072, 8192)
    assert lengths.min() >= 1 and np.median(lengths) < 1024
    np.testing.assert_array_equal(lengths, mixed_lengths(Trial()))


def test_work_is_counted_over_places_that_are_seen() -> None:
    """One global and three local layers over one sequence, pair by pair."""
    length, reach = 21, TINY.local // 2
    apart = np.abs(np.arange(length)[:, None] - np.arange(length))
    seen = 2 * length**2 + 2 * int((apart <= reach).sum())  # layers 0 and 3 are global
    dense = 32 * 96 + 32 * 32 + 32 * 2 * 48 + 48 * 32
    assert flops(TINY, np.array([length])) == 2 * 4 * dense * length + 4 * 32 * seen
    short = 3  # shorter than the reach: local layers see all of it
    assert flops(TINY, np.array([short])) == 2 * 4 * dense * short + 4 * 32 * 4 * short**2


def test_unpadded_and_padded_are_the_same_network() -> None:
    found = measure_packed(TINY, CPU, 1)
    assert found["least_cosine"] > 0.9999
    assert (found["tokens"], found["longest"], found["kernel"]) == (200, 40, "by_length")
    assert found["padded_takes_times"] == pytest.approx(found["tflops"][UNPADDED] / found["tflops"][PADDED])
    assert found["share_of_ceiling"] == pytest.approx(found["tflops"][UNPADDED] / found["ceiling_tflops"])


def test_notes_a_second_and_parity(opened: Opened) -> None:
    found = measure_notes(opened, NOTES, 1)
    assert (found["notes"], found["search"]) == (2, "screened")
    assert found["notes_per_second"]["encode"] > found["notes_per_second"]["pipeline"] > 0
    same = parity(opened, opened, NOTES)
    assert same["codes_agreement"] == 1
    assert same["least_cosine"] == pytest.approx(1)
    assert parity(opened, (Noisy(), opened[1]), NOTES)["mean_cosine"] == pytest.approx(-1)
    with pytest.raises(EvaluationError, match="no note"):
        parity(opened, opened, [Note((Document("--"),))])


def test_without_a_device_nothing_is_opened_and_the_table_says_so(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert why_not() == "no CUDA device"

    def refuse() -> Opened:
        raise AssertionError("opened")

    found = measure_gpu(opened, refuse, NOTES, 1)
    assert found == {"not_run": "no CUDA device"}
    Console(width=200).print(render_parts({"gpu": found}))
    assert "not run: no CUDA device" in capsys.readouterr().out


def test_the_table_of_a_device_shows_what_was_measured(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "why_not", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a device")
    monkeypatch.setattr("app.evaluation.benching.packed_speed.Trial", lambda: TINY)
    monkeypatch.setattr(Placement, "best", classmethod(lambda cls: CPU))
    found = measure_gpu(opened, lambda: opened, NOTES, 1)
    assert found["packed"]["tokens"] == 200
    Console(width=200).print(render_parts({"gpu": found}))
    printed = capsys.readouterr().out
    assert "a device" in printed
    assert "share of the matrix ceiling" in printed
    assert "notes/s, whole pipeline" in printed
