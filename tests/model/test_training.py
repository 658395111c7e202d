"""Losses against a library and by hand; the loop learns, stops and resumes."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from model.tokenization import TextTokenizer
from model.training.loop import Trainer, TrainingOptions, learning_rate, rotate_to_principal_axes, seed_everything
from model.training.losses import contrastive, matryoshka
from model.training.mining import CodedNote, mine_clauses
from model.training.pairs import Clause, Pair, PairSampler, Term, not_negatives
from model.training.wording import disturb, in_clause
from tests.model.tiny import tiny_network, write_tokenizer

TERMS = [
    Term("E11", ("type 2 diabetes",), "type 2 diabetes", True),
    Term("E11.9", ("type 2 diabetes with no foot ulcer",), "type 2 diabetes with no foot ulcer", True),
    Term("E11.9", ("diabetes",), "diabetes", False),
    Term("J45.9", ("asthma",), "asthma", True),
    Term("J18.9", ("pneumonia",), "pneumonia", True),
    Term("S72.0", ("fracture of left femur", "acute"), "fracture of left femur, acute", True),
    Term("R05", ("cough",), "cough", True),
    Term("R50.9", ("fever",), "fever", True),
]


def _trainer(run: Path, options: TrainingOptions) -> Trainer:
    run.mkdir(parents=True, exist_ok=True)
    write_tokenizer(run)
    seed_everything(0)
    tokenizer = TextTokenizer(run / "tokenizer.json", first=2, last=3)
    return Trainer(tiny_network(), tokenizer, options, run, lambda line: None)


def test_the_contrastive_loss_is_the_mean_of_both_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    q, t = (functional.normalize(torch.randn(4, 8, generator=generator), dim=-1) for _ in range(2))
    scores = (q @ t.T / 0.1).tolist()
    expected = 0.0
    for i in range(4):
        for row in (scores[i], [scores[j][i] for j in range(4)]):
            expected += (math.log(sum(math.exp(s) for s in row)) - scores[i][i]) / 8
    ignore = torch.zeros(4, 4, dtype=torch.bool)
    assert float(contrastive(q, t, ignore, 0.1)) == pytest.approx(expected, rel=1e-5)


def test_ignored_pairs_leave_the_denominator() -> None:
    q = functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.1]]), dim=-1)
    ignore = torch.tensor([[False, True], [True, False]])
    assert float(contrastive(q, q, ignore, 0.05)) == pytest.approx(0.0, abs=1e-6)
    assert float(contrastive(q, q, torch.zeros(2, 2, dtype=torch.bool), 0.05)) > 0.5


def test_the_matryoshka_sum_is_the_library_s() -> None:
    """sentence-transformers: symmetric InfoNCE inside MatryoshkaLoss over the same vectors."""
    torch.manual_seed(0)
    q, t = torch.randn(6, 768), torch.randn(6, 768)
    none = torch.zeros(6, 6, dtype=torch.bool)
    ours = matryoshka(q, t, none, prefixes=(64, 128, 256, 768), weights=(1, 1, 1, 1), temperature=0.05)
    total = 0.0
    for size in (64, 128, 256, 768):
        a, b = functional.normalize(q[:, :size], dim=-1), functional.normalize(t[:, :size], dim=-1)
        labels = torch.arange(6)
        one, other = (functional.cross_entropy(s / 0.05, labels) for s in (a @ b.T, b @ a.T))
        total += float((one + other) / 2)
    assert float(ours) == pytest.approx(total, rel=1e-5)


def test_wordings_keep_telling_words() -> None:
    rng = random.Random(0)
    for _ in range(200):
        text = in_clause(disturb("Fracture of left femur, initial encounter for closed fracture", rng), rng)
        assert "emur" in text.lower() or "fracture" in text.lower()
        assert "{" not in text


def test_relatives_and_equal_words_are_not_negatives() -> None:
    pairs = [
        Pair("E11", ("a",), ("x",)),
        Pair("E11.9", ("b",), ("y",)),
        Pair("J45.9", ("c",), ("x",)),
        Pair("J18.9", ("d",), ("z",)),
    ]
    mask = not_negatives(pairs)
    assert mask[0, 1] and mask[1, 0]  # parent and child
    assert mask[0, 2]  # the same words under two codes
    assert not mask[0, 3] and not mask[1, 2] and not mask.diagonal().any()


def test_the_sampler_repeats_itself_and_mixes_clauses_in() -> None:
    clauses = [Clause("R05", "bad cough"), Clause("X99", "of a code without terms")]
    one, other = (PairSampler(TERMS, clauses, seed=3, clause_share=0.25) for _ in range(2))
    batch = one.batch(16)
    assert batch == other.batch(16)
    assert len(batch) == 16
    assert sum(p.query == ("bad cough",) for p in batch) == 4
    assert all(p.query != ("of a code without terms",) for p in batch)


def test_the_rate_warms_up_and_falls() -> None:
    options = TrainingOptions(steps=100, warmup=0.1)
    rates = [learning_rate(s, options) for s in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == pytest.approx(1.0) and rates[99] < 0.03


def test_training_lowers_the_loss_and_resumes_where_it_stopped(tmp_path: Path) -> None:
    options = TrainingOptions(steps=30, batch=8, learning_rate=3e-3, projection_rate=3e-3, save_every=10)
    whole = _trainer(tmp_path / "whole", options)
    pairs = PairSampler(TERMS, [], seed=1, clause_share=0.0).batch(8)
    before = float(whole.loss(pairs).detach())
    whole.train(PairSampler(TERMS, [], seed=0, clause_share=0.0))
    assert float(whole.loss(pairs).detach()) < 0.7 * before

    half = _trainer(tmp_path / "half", options)
    half.train(PairSampler(TERMS, [], seed=0, clause_share=0.0), until=20)
    again = _trainer(tmp_path / "half", options)
    again.resume()
    assert again.step == 20
    for one, other in zip(half.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_principal_axes_put_most_variance_first(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, TrainingOptions())
    rotate_to_principal_axes(trainer, [t.pieces for t in TERMS])
    with torch.inference_mode():
        energy = np.square(trainer.embed([t.pieces for t in TERMS]).numpy()).sum(0)
    assert energy[:8].sum() > 0.9 * energy.sum()


def test_mining_finds_the_clause_that_names_the_code(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, TrainingOptions())
    note = CodedNote(("cough", "pneumonia", "no history"), ("J18.9", "R50.9", "Z99"))
    mined = mine_clauses([note, CodedNote((), ("R05",))], TERMS, trainer.embed, floor=0.999)
    assert mined == [Clause("J18.9", "pneumonia")]
