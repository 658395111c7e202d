"""Texts to pooled states: pieces alone, pieces inside their context, contexts longer than the room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoint import Checkpoint
from model.tokenization import TextTokenizer
from model.torch_encoder import TorchEncoder
from model.training.network import NestedEncoder
from model.training.pooling import encode_pieces, split_pieces
from model.training.text import Inside, Text

PASSAGE = "acute pain in the left leg, no fever. history of asthma and cough"


@pytest.fixture(scope="module")
def trained(tiny: Checkpoint) -> tuple[NestedEncoder, TextTokenizer, TorchEncoder]:
    torch.set_num_threads(1)
    tokenizer = TextTokenizer(tiny.tokenizer_path, first=tiny.first, last=tiny.last)
    return NestedEncoder.resume(tiny).eval(), tokenizer, TorchEncoder.from_checkpoint(tiny)


def _pooled(network: NestedEncoder, tokenizer: TextTokenizer, texts: list[Text], room: int = 30) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(encode_pieces(network, tokenizer, split_pieces(tokenizer, texts, room=room)))


def test_texts_alone_are_pooled_as_serving_pools_them(
    trained: tuple[NestedEncoder, TextTokenizer, TorchEncoder],
) -> None:
    network, tokenizer, serving = trained
    texts: list[Text] = [("asthma",), ("fracture of left femur", "acute"), ("",), ("no history of cough",)]
    found = _pooled(network, tokenizer, texts)
    states = serving.encode(["asthma", "fracture of left femur", "acute", "no history of cough"])
    np.testing.assert_allclose(found[[0, 3]], states.pool()[[0, 3]], atol=1e-5)
    both = np.concatenate([states.of(1)[0], states.of(2)[0]]).mean(axis=0)
    np.testing.assert_allclose(found[1], both, atol=1e-5)
    assert not found[2].any()


def test_a_clause_in_its_passage_is_pooled_as_a_window_is(
    trained: tuple[NestedEncoder, TextTokenizer, TorchEncoder],
) -> None:
    """The tokens that begin inside the clause, read with the whole passage: app/pipeline/encoding.py."""
    network, tokenizer, serving = trained
    start = PASSAGE.index("no fever")
    span = Inside(PASSAGE, start, start + len("no fever"))
    found = _pooled(network, tokenizer, [(span,), ("no fever",), (Inside(PASSAGE, 0, 10),)])
    states, offsets = serving.encode([PASSAGE]).of(0)
    inside = (offsets[:, 0] >= span.start) & (offsets[:, 0] < span.end)
    np.testing.assert_allclose(found[0], states[inside].mean(axis=0), atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    pieces = split_pieces(tokenizer, [(span,), (Inside(PASSAGE, 0, 10),)], room=30)
    assert len(pieces.frames) == 1 and len(pieces.spans) == 2  # one passage is encoded once


def test_of_a_long_context_the_stretch_around_the_words_is_read(
    trained: tuple[NestedEncoder, TextTokenizer, TorchEncoder],
) -> None:
    _, tokenizer, _ = trained
    context = "pain " * 20 + "asthma " + "cough " * 20
    pieces = split_pieces(tokenizer, [(Inside(context, 100, 106),), (Inside(context, 0, 4),), (context,)], room=11)
    assert [(f.start, f.end) for f in pieces.frames] == [(15, 26), (0, 11)]
    assert [(s.start, s.end) for s in pieces.spans] == [(20, 21), (0, 1), (0, 11)]
    last = split_pieces(tokenizer, [(Inside(context, len(context) - 6, len(context)),)], room=11)
    assert [(f.start, f.end) for f in last.frames] == [(30, 41)]


def test_dropout_is_set_whatever_the_configuration_calls_it(tmp_path: Path) -> None:
    from tests.model.tiny import write_tiny_modernbert

    write_tiny_modernbert(tmp_path, width=768)
    network = NestedEncoder.open(tmp_path, dropout=0.25)
    config = network.backbone.config
    assert {config.attention_dropout, config.mlp_dropout, config.embedding_dropout} == {0.25}  # type: ignore[union-attr]
    assert network.layers == (-1,)
    assert torch.equal(network.projection.weight, torch.eye(768))
    with pytest.raises(ValueError, match="hidden states 0 to 2"):
        NestedEncoder.open(tmp_path, (3, -1))


def test_attention_implementations_agree(
    tiny: Checkpoint, trained: tuple[NestedEncoder, TextTokenizer, TorchEncoder]
) -> None:
    texts: list[Text] = [("asthma",), ("no history of cough and fever",)]
    eager = NestedEncoder.resume(tiny, attention="eager").eval()
    np.testing.assert_allclose(_pooled(eager, trained[1], texts), _pooled(trained[0], trained[1], texts), atol=1e-5)
