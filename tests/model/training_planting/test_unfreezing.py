"""What learns when, and the path through the encoder itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from model.attention.config import AttentionConfig
from model.checkpoint import Checkpoint
from model.nested import prefix
from model.onnx_encoder import OnnxEncoder
from model.tokenization import TextTokenizer
from model.training.network import NestedEncoder
from model.training.planting.notes import LabelPool, TrainingNote
from model.training.planting.schedule import LAYER_DECAY, Rates, groups, optimizer, top_layers
from model.training.planting.tokens import CachedTokens, EncodedTokens
from model.training.planting.trainer import PlantOptions, plant
from tests.model.tiny import write_tiny_checkpoint

WIDTH = 32
TEXTS = ["acute pain in the left foot", "history of chronic kidney disease", "fever " * 40]  # the last: three windows


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder: Path = tmp_path_factory.mktemp("unfreezing") / "tiny"
    write_tiny_checkpoint(folder)
    return Checkpoint.open(folder)


@pytest.fixture
def network(checkpoint: Checkpoint) -> NestedEncoder:
    return NestedEncoder.resume(checkpoint).eval()


def source_of(checkpoint: Checkpoint, network: NestedEncoder) -> EncodedTokens:
    tokenizer = TextTokenizer(checkpoint.tokenizer_path, first=checkpoint.first, last=checkpoint.last)
    return EncodedTokens(network, tokenizer, {"n": TEXTS}, width=WIDTH, max_tokens=checkpoint.max_tokens, budget=64)


def note_of(checkpoint: Checkpoint) -> TrainingNote:
    encoder = OnnxEncoder(checkpoint, threads=1)
    tokens = prefix(encoder.project(encoder.encode(TEXTS).states), WIDTH)
    rng = np.random.default_rng(0)
    return TrainingNote(
        id="n",
        tokens=tokens.astype(np.float16),
        words=("pain",) * len(tokens),
        codes=("A", "B", "C"),
        vectors=prefix(rng.normal(size=(3, WIDTH)), WIDTH).astype(np.float16),
        candidates=3,
        scores=np.zeros(3, dtype=np.float32),
        gold=frozenset({"A"}),
    )


def test_tokens_encoded_anew_are_the_cached_ones(checkpoint: Checkpoint, network: NestedEncoder) -> None:
    note = note_of(checkpoint)
    with torch.no_grad():
        fresh = source_of(checkpoint, network).tokens(note)
    torch.testing.assert_close(fresh, CachedTokens().tokens(note), atol=2e-3, rtol=0)


def test_another_number_of_tokens_is_refused(checkpoint: Checkpoint, network: NestedEncoder) -> None:
    note = note_of(checkpoint)
    shorter = TrainingNote("n", note.tokens, ("pain",), note.codes, note.vectors, 3, note.scores, note.gold)
    with pytest.raises(ValueError, match="1 tokens in the cache"):
        source_of(checkpoint, network).tokens(shorter)


def test_only_unfrozen_layers_change_and_only_from_their_epoch(checkpoint: Checkpoint, network: NestedEncoder) -> None:
    network.requires_grad_(False)
    layers = tuple(top_layers(network.backbone, 1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    config = AttentionConfig(width=WIDTH, map_rank=2, ranker_width=4, ranker_hidden=2)
    pool = LabelPool(("Z",), np.ones((1, WIDTH), dtype=np.float16))
    source, note = source_of(checkpoint, network), note_of(checkpoint)

    def changed(epochs: int) -> set[str]:
        network.load_state_dict(before)
        options = PlantOptions(epochs=epochs, planted=False, rates=Rates(encoder=1e-3), least_notes=1)
        plant([note], pool, config, options, source=source, layers=layers)
        return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}

    assert changed(2) == set()
    moved = changed(3)
    assert moved
    assert all(name.startswith("backbone.encoder.layer.2.") for name in moved)


def test_maps_thaw_first_then_attentions_then_layers_each_at_its_own_rate() -> None:
    from model.training.planting.attention import PlantedAttention
    from tests.model.attention.weights import random_weights

    module = PlantedAttention.restore(random_weights())
    layers = [nn.Linear(2, 2), nn.Linear(2, 2)]
    made = groups(module, Rates(), layers)
    learning: list[set[str]] = []
    for epoch in range(4):
        for group in made:
            group.thaw(epoch)
        learning.append({g.name for g in made if all(p.requires_grad for p in g.parameters)})
    start = {"maps", "head", "bias"}
    assert learning == [
        start,
        start | {"attention"},
        start | {"attention", "encoder layer 0"},
        start | {"attention", "encoder layer 0", "encoder layer 1"},
    ]
    rates = {g.name: g.rate for g in made}
    assert rates["maps"] > rates["attention"] > rates["encoder layer 0"]
    assert rates["encoder layer 1"] == pytest.approx(rates["encoder layer 0"] / LAYER_DECAY)
    assert [group["lr"] for group in optimizer(made).param_groups] == [g.rate for g in made]
    covered = {id(p) for g in made for p in g.parameters}
    assert covered >= {id(p) for p in module.parameters()}


def test_a_boost_that_is_left_out_stays_at_its_start() -> None:
    from model.training.planting.attention import PlantedAttention
    from tests.model.attention.weights import random_weights

    module = PlantedAttention.restore(random_weights())
    made = groups(module, Rates(), boost=False)
    for group in made:
        group.thaw(5)
    assert not module.boost.requires_grad
    assert all(module.boost is not p for group in made for p in group.parameters)


def test_an_encoder_without_a_stack_of_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="encoder.layer"):
        list(top_layers(nn.Linear(2, 2), 1))
