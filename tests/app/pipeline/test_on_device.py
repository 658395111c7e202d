"""The pipeline around an encoder whose token states stay on a device: the same answers, and no copy of the states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from app.pipeline.assemble import coder_of
from app.pipeline.attention import note_tokens
from app.pipeline.coding import Coding
from app.pipeline.encoding import encode
from app.pipeline.segment import segment
from app.pipeline.words import WordReader
from index_builder.build import build
from model.attention.device_attention import DeviceAttention
from model.packed.device_states import DeviceStates
from tests.app.pipeline.test_attention import ANY, NOTE, OTHER, bound
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class OnDevice(FakeEncoder):
    """The states of the other fake, on a device."""

    device = DEVICE

    def __init__(self) -> None:
        super().__init__()
        self.made: list[DeviceStates] = []

    def encode(self, texts: Sequence[str]) -> DeviceStates:
        found = super().encode(texts)
        weight = torch.tensor(self._projection.T.copy(), device=DEVICE)
        self.made.append(DeviceStates(torch.tensor(found.states, device=DEVICE), weight, found.offsets, found.rows))
        return self.made[-1]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    build(FakeCodeSet(), FakeEncoder(), folder, builder_version="test")
    return folder


def assert_same(one: Coding, other: Coding) -> None:
    assert [item.code for item in one.codes] == [item.code for item in other.codes]
    assert [item.code for item in one.candidates] == [item.code for item in other.candidates]
    for mine, theirs in zip((*one.codes, *one.candidates), (*other.codes, *other.candidates), strict=True):
        assert mine.score == pytest.approx(theirs.score, abs=2e-4)
        assert [(e.start, e.end) for e in mine.evidence] == [(e.start, e.end) for e in theirs.evidence]


@pytest.mark.parametrize("unit", ["clause", "window"])
@pytest.mark.parametrize("planted", [False, True], ids=["linking", "attention"])
def test_answers_are_those_of_the_host_and_states_never_travel(
    artifacts: Path, tmp_path: Path, planted: bool, unit: str
) -> None:
    encoder = OnDevice()
    here = coder_of(FakeEncoder(), artifacts, "fake", encoding_unit=unit)
    there = coder_of(encoder, artifacts, "fake", encoding_unit=unit, search="torch")
    assert (here.index.search_name, there.index.search_name) == ("screened", "torch")
    if planted:
        calibration = bound(tmp_path)
        here = here.with_calibrations({"general": calibration.placed(FakeEncoder())})
        there = there.with_calibrations({"general": calibration.placed(encoder)})
    encoder.made.clear()
    ours, theirs = (pipeline.code([NOTE, OTHER], [ANY] * 2) for pipeline in (here, there))
    assert sum(len(one.codes) + len(one.candidates) for one in ours) > 2
    for one, other in zip(ours, theirs, strict=True):
        assert_same(one, other)
    [states] = encoder.made
    assert "states" not in vars(states)


def test_an_index_of_fewer_dimensions_is_searched_too(tmp_path: Path) -> None:
    build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="test", keep=128)
    pairs = ((FakeEncoder(), "screened"), (FakeEncoder(), "numpy"), (OnDevice(), "torch"), (FakeEncoder(), "faiss"))
    here, *others = (
        coder_of(encoder, tmp_path, "fake", search=search).code([NOTE], [ANY])[0] for encoder, search in pairs
    )
    for other in others:
        assert_same(here, other)


def test_tokens_for_the_attention_are_left_on_the_device(artifacts: Path) -> None:
    for unit in ("clause", "window"):
        encoder = OnDevice()
        [note] = encode(encoder, [segment(NOTE)], unit)
        reader = WordReader(encoder, note)
        there, here = note_tokens(note, reader, on_device=True), note_tokens(note, reader)
        assert isinstance(there.vectors, torch.Tensor)
        np.testing.assert_allclose(there.vectors.cpu().numpy(), here.vectors, atol=1e-5)
        assert there.words == here.words


def test_an_attention_stays_in_numpy_where_the_encoder_has_no_device(tmp_path: Path) -> None:
    calibration = bound(tmp_path)
    assert calibration.placed(FakeEncoder()) == calibration
    assert calibration.placed(FakeEncoder()).planted is calibration.planted
    assert isinstance(calibration.placed(OnDevice()).planted, DeviceAttention)
