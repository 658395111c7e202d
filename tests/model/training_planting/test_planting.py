"""From notes to a trained attention."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.training.planting.attention import PlantedAttention
from model.training.planting.mutual_information import Counts, count_words
from model.training.planting.notes import LabelPool, TrainingNote
from model.training.planting.ranker import Ranker, RankerOptions, ranking_lists, train_ranker
from model.training.planting.sampling import SampleSizes, sample_codes
from model.training.planting.schedule import Rates
from model.training.planting.trainer import PlantOptions, _counted_without, candidate_logits, plant
from tests.model.training_planting.notes import CONFIG, FINDINGS, NAMES, made_notes, made_pool

RATES = Rates(maps=2e-2, attention=1e-2)
OPTIONS = PlantOptions(
    epochs=3, batch=4, sizes=SampleSizes(4, 2), rates=RATES, ranker=RankerOptions(epochs=2, others=6, k=3)
)


def test_a_note_is_read_as_it_was_written(tmp_path: Path) -> None:
    note = made_notes(1)[0]
    note.save(tmp_path / "note0.npz")
    read = TrainingNote.load(tmp_path / "note0.npz")
    assert (read.id, read.words, read.codes, read.gold) == (note.id, note.words, note.codes, note.gold)
    assert read.candidates == note.candidates
    for name in ("tokens", "vectors", "scores"):
        np.testing.assert_array_equal(getattr(read, name), getattr(note, name))
    made_pool().save(tmp_path / "pool.npz")
    assert LabelPool.load(tmp_path / "pool.npz").codes == made_pool().codes


def test_a_sample_holds_all_gold_and_no_gold_twice() -> None:
    for note in made_notes(20):
        sample = sample_codes(note, made_pool(), SampleSizes(2, 4), np.random.default_rng(0))
        assert {code for code, target in zip(sample.codes, sample.targets, strict=True) if target} == note.gold
        assert len(set(sample.codes)) == len(sample.codes) == len(sample.vectors)
        assert sum(code in NAMES[:-1] and code not in note.gold for code in sample.codes) == 2
        assert "Z00" in sample.codes and not any(code == "A00" for code in sample.codes[-3:])


def test_the_ranker_learns_the_order_of_mutual_information() -> None:
    notes = made_notes(40)
    counted = count_words([Counts(frozenset(n.words), n.gold) for n in notes], keep=3)
    for place, code in enumerate(counted.codes.words):
        assert counted.words.words[counted.of(place)[0][0]] == FINDINGS[NAMES.index(code)]
    torch.manual_seed(0)
    ranker = Ranker(CONFIG)
    lists = ranking_lists(notes, counted, 6, np.random.default_rng(0))
    assert lists.real.any(1).all()
    assert not lists.relevance[~lists.real].any()
    options = RankerOptions(epochs=25, batch=6, rate=3e-2, others=6, k=3, held_out=0.0)
    before = train_ranker(ranker, lists, replace(options, epochs=0), 0)["ndcg_seen"]
    after = train_ranker(ranker, lists, options, 0)["ndcg_seen"]
    assert before < 0.9
    assert after > 0.95


def test_training_finds_the_words_and_is_the_same_twice() -> None:
    notes, dev = made_notes(24), made_notes(12, seed=1)
    trained = plant(notes, made_pool(), CONFIG, OPTIONS, dev=dev)
    losses = [epoch["train_loss"] for epoch in trained.epochs]
    assert losses[-1] < losses[0]
    assert trained.epochs[-1]["dev_loss"] < trained.epochs[0]["dev_loss"]
    logits = [candidate_logits(trained.module, note) for note in dev]
    right = [note.codes[int(np.argmax(found))] in note.gold for note, found in zip(dev, logits, strict=True)]
    assert np.mean(right) > 0.8
    again = plant(notes, made_pool(), CONFIG, OPTIONS)
    for one, other in zip(trained.module.parameters(), again.module.parameters(), strict=True):
        assert torch.equal(one, other)
    assert set(trained.record()) == {"options", "ranker", "epochs"}


def test_without_planting_the_ranker_starts_untrained() -> None:
    trained = plant(made_notes(10), made_pool(), CONFIG, replace(OPTIONS, planted=False, epochs=0))
    torch.manual_seed(OPTIONS.seed)
    fresh = PlantedAttention(CONFIG, trained.module.counted, trained.module.biased)
    assert trained.ranker == {}
    assert torch.equal(trained.module.ranker.code, fresh.ranker.code)


def test_biases_belong_to_codes_seen_often_enough() -> None:
    notes = made_notes(12)
    seen = {code: sum(code in note.gold for note in notes) for code in NAMES}
    least = sorted(seen.values())[3]
    module = plant(notes, made_pool(), CONFIG, replace(OPTIONS, bias_from=least)).module
    for code, bias in zip(module.counted.codes.words, module.export({}).tensors["bias"].tolist(), strict=True):
        assert (bias != 0) == (seen[code] >= least)
    assert not plant(notes, made_pool(), CONFIG, replace(OPTIONS, bias_from=None)).module.bias.any()


def test_a_training_note_is_not_counted_for_its_own_static_attention() -> None:
    notes = made_notes(12)
    counted = _counted_without(notes, replace(OPTIONS, folds=3, least_notes=1))
    for fold in range(3):
        others = [Counts(frozenset(n.words), n.gold) for at, n in enumerate(notes) if at % 3 != fold]
        alone = count_words(others, least=1)
        for note in notes[fold::3]:
            assert counted[note.id].codes.words == alone.codes.words
            np.testing.assert_array_equal(counted[note.id].table.values, alone.table.values)


@pytest.mark.parametrize("attentions", [("learned",), ("static",)])
def test_attentions_can_stand_alone(attentions: tuple[str, ...]) -> None:
    trained = plant(made_notes(8), made_pool(), replace(CONFIG, attentions=attentions), replace(OPTIONS, epochs=1))
    assert np.isfinite(trained.epochs[0]["train_loss"])
