"""ModernBERT as a checkpoint: both backends, local and global attention, windows, sentence-transformers."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ModernBertConfig, ModernBertModel

from model.checkpoint import Checkpoint
from model.encoder import embed
from model.errors import CheckpointError
from model.export import build_graph, export
from model.nested import prefix
from model.onnx_encoder import OnnxEncoder
from model.shapes import ModernBertShape
from model.torch_encoder import TorchEncoder
from model.training.network import NestedEncoder
from tests.model.tiny import write_tokenizer

TEXTS = ["acute pain in the left leg", "x", "no history of fracture and pneumonia " * 30, "", "😀 fever שלום"]


def _checkpoint(
    folder: Path, hidden: int, layers: int, max_tokens: int = 8192, layer_types: list[str] | None = None
) -> Checkpoint:
    """Random weights, large enough that attention is far from uniform; local attention sees 4 tokens to each side."""
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=128,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=96,
        local_attention=8,
        layer_types=layer_types,
        max_position_embeddings=8192,
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    )
    backbone = ModernBertModel(config)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    backbone.save_pretrained(folder / "source")
    write_tokenizer(folder / "source")
    network = NestedEncoder.open(folder / "source").eval()
    card = {
        "name": "tiny-modernbert",
        "max_tokens": max_tokens,
        "encoding_unit": "window",
        "special_tokens": {"first": 2, "last": 3},
        "training": {},
    }
    export(network, folder / "source", folder / "checkpoint", card)
    return Checkpoint.open(folder / "checkpoint")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return _checkpoint(tmp_path_factory.mktemp("narrow"), 64, 4)


def _parity(checkpoint: Checkpoint) -> float:
    one = OnnxEncoder(checkpoint, threads=1, batch_tokens=300).encode(TEXTS)
    other = TorchEncoder.from_checkpoint(checkpoint).encode(TEXTS)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    norms = np.linalg.norm(one.states, axis=1) * np.linalg.norm(other.states, axis=1)
    return float(((one.states * other.states).sum(axis=1) / norms).min())


def test_both_backends_give_the_same_states(narrow: Checkpoint) -> None:
    """Two states of 64 numbers each are read and mapped to 768; long texts stay whole within 8,192 tokens."""
    assert (narrow.layers, narrow.read_width, narrow.max_tokens) == ((2, -1), 128, 8192)
    assert narrow.projection().shape == (768, 128)
    assert json.loads((narrow.path / "config.json").read_text())["max_position_embeddings"] == 8192
    assert _parity(narrow) >= 0.9999


def test_a_768_wide_encoder_is_read_as_it_is(tmp_path: Path) -> None:
    checkpoint = _checkpoint(tmp_path, 768, 2)
    np.testing.assert_array_equal(checkpoint.projection(), np.eye(768, dtype=np.float32))
    assert _parity(checkpoint) >= 0.9999


def test_texts_beyond_the_context_go_through_overlapping_windows(tmp_path: Path) -> None:
    checkpoint = _checkpoint(tmp_path, 64, 4, max_tokens=40)
    assert _parity(checkpoint) >= 0.9999
    states = OnnxEncoder(checkpoint, threads=1).encode(TEXTS)
    assert int(states.counts()[2]) == 30 * 6


def test_local_layers_see_no_further_than_they_should(tmp_path: Path) -> None:
    """Through four local layers of 4 tokens to each side a token sees 16 away; a global layer sees everything."""
    moved = {}
    for name, types in (("local", ["sliding_attention"] * 4), ("mixed", None)):
        checkpoint = _checkpoint(tmp_path / name, 64, 4, layer_types=types)
        encoder = OnnxEncoder(checkpoint, threads=1)
        one, other = (encoder.encode(["pain " * 30 + last]).states for last in ("cough", "fever"))
        moved[name] = np.abs(one - other).max(axis=1)  # (31,), by token; the last one differs
    assert moved["local"][14:].min() > 0 and not moved["local"][:14].any()
    assert moved["mixed"].min() > 0


def test_sentence_transformers_opens_the_folder(narrow: Checkpoint) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library leaves files to the garbage collector
        from sentence_transformers import SentenceTransformer

        short = SentenceTransformer(str(narrow.path), truncate_dim=64, local_files_only=True, trust_remote_code=True)
    assert short.max_seq_length == 8192
    texts = [TEXTS[0], TEXTS[1]]
    ours = prefix(embed(OnnxEncoder(narrow, threads=1), texts), 64)
    np.testing.assert_allclose(short.encode(texts, normalize_embeddings=True), ours, atol=2e-3)


def test_an_encoder_without_a_graph_is_served_by_torch(narrow: Checkpoint, tmp_path: Path) -> None:
    config = ModernBertConfig(hidden_activation="silu")
    assert build_graph(config, narrow.path / "model.safetensors", (-1,)) is None
    with pytest.raises(ValueError, match="hidden_activation"):
        ModernBertShape.of(config.to_dict())  # type: ignore[no-untyped-call]
    with pytest.raises(CheckpointError, match="torch backend"):
        _ = Checkpoint(tmp_path, "v", {}).graph_path
