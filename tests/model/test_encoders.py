"""The backends against each other: same states, whatever shares the call."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.backends import open_encoder
from model.checkpoint import Checkpoint
from model.encoder import Encoder, embed
from model.errors import BackendError, ModelError
from model.nested import PREFIXES, prefix
from model.onnx_encoder import OnnxEncoder
from model.torch_encoder import TorchEncoder
from tests.model.tiny import write_tiny_modernbert

TEXTS = [
    "acute pain in the left leg",
    "type 2 diabetes with foot ulcer",
    "héart  FAILURE,\tchronic",
    "",
    "no history of fracture " * 20,  # longer than one window
    "x",
    "😀 fever שלום",
]


@pytest.fixture(scope="module")
def onnx(tiny: Checkpoint) -> OnnxEncoder:
    return OnnxEncoder(tiny, threads=1, batch_tokens=48)


@pytest.fixture(scope="module")
def torch_backend(tiny: Checkpoint) -> TorchEncoder:
    return TorchEncoder.from_checkpoint(tiny, batch_tokens=64)


def test_both_backends_give_the_same_states(onnx: Encoder, torch_backend: Encoder) -> None:
    one, other = onnx.encode(TEXTS), torch_backend.encode(TEXTS)
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    cosines = (one.states * other.states).sum(1) / np.linalg.norm(one.states, axis=1)
    assert (cosines / np.linalg.norm(other.states, axis=1)).min() >= 0.999
    vectors = (embed(onnx, TEXTS) * embed(torch_backend, TEXTS)).sum(1)
    assert np.delete(vectors, 3).min() >= 0.999


@pytest.mark.parametrize("backend", ["onnx", "torch_backend"])
def test_a_text_does_not_depend_on_what_shares_the_call(backend: str, request: pytest.FixtureRequest) -> None:
    encoder: Encoder = request.getfixturevalue(backend)
    together = encoder.encode(TEXTS)
    for i, text in enumerate(TEXTS):
        states, offsets = together.of(i)
        alone = encoder.encode([text])
        np.testing.assert_allclose(states, alone.states, atol=2e-6)
        np.testing.assert_array_equal(offsets, alone.offsets)


def test_sentence_transformers_opens_the_folder_and_agrees(tiny: Checkpoint, onnx: Encoder) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library leaves files to the garbage collector
        from sentence_transformers import SentenceTransformer

        full = SentenceTransformer(str(tiny.path), local_files_only=True, trust_remote_code=True)
        short = SentenceTransformer(str(tiny.path), truncate_dim=64, local_files_only=True, trust_remote_code=True)
    texts = [TEXTS[0], TEXTS[1], TEXTS[5]]
    ours = embed(onnx, texts)
    assert (full.encode(texts) * ours).sum(1).min() >= 0.999
    truncated = short.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(truncated, prefix(ours, 64), atol=2e-3)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_offsets_stay_inside_their_own_text(onnx: Encoder, texts: list[str]) -> None:
    states = onnx.encode([t.encode("utf-8", "ignore").decode() for t in texts])
    for i, text in enumerate(texts):
        _, offsets = states.of(i)
        assert ((offsets[:, 0] <= offsets[:, 1]) & (offsets[:, 1] <= len(text))).all()
        assert (np.diff(offsets[:, 0]) >= 0).all()


def test_every_prefix_has_unit_length(onnx: Encoder) -> None:
    vectors = embed(onnx, TEXTS[:3])
    for size in PREFIXES:
        np.testing.assert_allclose(np.linalg.norm(prefix(vectors, size), axis=1), 1.0, rtol=1e-5)


def test_projecting_before_or_after_pooling_gives_the_same_vector(onnx: Encoder) -> None:
    states = onnx.encode(TEXTS[:3])
    after = onnx.project(states.pool())
    before = np.stack([onnx.project(states.of(i)[0]).mean(0) for i in range(3)])
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_an_unknown_backend_is_named(tiny: Checkpoint) -> None:
    with pytest.raises(BackendError, match="onnx or torch"):
        open_encoder(tiny.path, "jax")


def test_any_768_wide_encoder_serves_as_it_is(tmp_path: Path) -> None:
    """A random ModernBERT: its own windows, identity projection, states that do not depend on the batch."""
    write_tiny_modernbert(tmp_path, width=768)
    encoder = open_encoder(tmp_path, "torch")
    assert (encoder.info.encoding_unit, encoder.info.width, encoder.info.max_tokens) == ("window", 768, 96)
    together = encoder.encode(TEXTS)
    for i in (0, 4, 6):
        np.testing.assert_allclose(together.of(i)[0], encoder.encode([TEXTS[i]]).states, atol=1e-4)
    np.testing.assert_array_equal(encoder.project(together.states), together.states)


def test_an_encoder_of_another_width_asks_for_training(tmp_path: Path) -> None:
    write_tiny_modernbert(tmp_path, width=32)
    with pytest.raises(ModelError, match="train a projection first"):
        open_encoder(tmp_path, "torch")


def test_the_shipped_model_gives_the_same_vectors_in_both_backends() -> None:
    texts = ["NSTEMI", "type 2 diabetes mellitus with foot ulcer", "fracture of the left femur, initial encounter"]
    one, other = (embed(open_encoder(backend=backend), texts) for backend in ("onnx", "torch"))
    assert (one * other).sum(1).min() >= 0.999
