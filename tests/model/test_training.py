"""Losses against a library and by hand; the loop learns, stops and resumes."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from model.tokenization import TextTokenizer
from model.training.loop import Trainer, rotate_to_principal_axes
from model.training.losses import Hard, contrastive, matryoshka
from model.training.mining import CodedNote, mine_clauses
from model.training.options import TrainingOptions, learning_rate
from model.training.pairs import Clause, Negative, Pair, Term, not_hard, not_negatives
from model.training.sampling import PairSampler
from model.training.state import seed_everything
from model.training.text import Inside
from model.training.wording import disturb, in_clause, inside
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


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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


def test_hard_negatives_stand_in_the_denominator_of_queries_only() -> None:
    """By hand: log-sum-exp over targets and the hard ones that are not ignored; the other direction is untouched."""
    generator = torch.Generator().manual_seed(1)
    q, t, h = (functional.normalize(torch.randn(n, 8, generator=generator), dim=-1) for n in (3, 3, 2))
    none = torch.zeros(3, 3, dtype=torch.bool)
    ignore = torch.tensor([[False, True], [False, False], [True, True]])
    scores, wrong = q @ t.T / 0.1, q @ h.T / 0.1
    expected = 0.0
    for i in range(3):
        row = [*scores[i].tolist(), *(w for w, out in zip(wrong[i].tolist(), ignore[i], strict=True) if not out)]
        for line in (row, scores[:, i].tolist()):
            expected += (math.log(sum(math.exp(x) for x in line)) - float(scores[i, i])) / 6
    assert float(contrastive(q, t, none, 0.1, Hard(h, ignore))) == pytest.approx(expected, rel=1e-5)


def test_a_hard_negative_is_ignored_where_it_may_be_right() -> None:
    negatives = [Negative("E11.9", ("y",)), Negative("J45.9", ("X",)), Negative("R05", ("w",))]
    pairs = [Pair("E11", ("a",), ("t",), negatives[0]), Pair("S72.0", ("b",), ("x",), negatives[1])]
    assert not_hard(pairs, negatives).tolist() == [[True, False, False], [False, True, False]]


def test_wordings_keep_telling_words() -> None:
    rng = random.Random(0)
    for _ in range(200):
        text = in_clause(disturb("Fracture of left femur, initial encounter for closed fracture", rng), rng)
        assert "emur" in text.lower() or "fracture" in text.lower()
        assert "{" not in text


def test_a_wording_keeps_its_side_and_one_of_what_it_lists() -> None:
    rng = random.Random(0)
    found = {disturb("Laceration, perforation or tear of left uterine horn type 2", rng) for _ in range(400)}
    assert all("left" in text and "2" in text for text in found)
    listed = {text for text in found if text.endswith("of left uterine horn type 2")}
    assert {f"{one} of left uterine horn type 2" for one in ("Laceration", "perforation", "tear")} <= listed
    assert all(len(disturb("Irritability and anger", rng).split()) == 3 for _ in range(50))


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


def test_partners_join_the_group_and_are_negatives() -> None:
    partners = {"J45.9": ("J18.9", "Z99"), "J18.9": ("J45.9",)}
    with_partners = PairSampler(TERMS, [], seed=0, clause_share=0.0, partners=partners, partner_share=1.0)
    without = PairSampler(TERMS, [], seed=0, clause_share=0.0)
    assert without.batch(64) == PairSampler(TERMS, [], seed=0, clause_share=0.0, partners={}).batch(64)
    codes = [p.code for p in with_partners.batch(64)]
    for i, code in enumerate(codes[:-1]):
        if code in partners:
            assert {"J45.9": "J18.9", "J18.9": "J45.9"}[code] in (codes[i - 1], codes[i + 1])
    asthma, pneumonia = Pair("J45.9", ("a",), ("x",)), Pair("J18.9", ("b",), ("y",))
    assert not not_negatives([asthma, pneumonia]).any()


def test_queries_stand_inside_a_passage_where_serving_pools_them() -> None:
    own = Inside("fever. bad cough", 7, 16)
    clauses = [Clause("R05", "bad cough", context=own)]
    sampler = PairSampler(TERMS, clauses, seed=0, clause_share=0.5, in_context=True)
    pieces = [p.query[0] for p in sampler.batch(8)]
    assert all(isinstance(piece, Inside) for piece in pieces)
    assert pieces[:4] == [own] * 4 and str(own) == "bad cough"
    plain = PairSampler(TERMS, clauses, seed=0, clause_share=0.5).batch(8)
    assert plain[0].query == ("bad cough",)
    found = inside("cough", ["fever", "asthma"], random.Random(3))
    assert str(found) == "cough" and "fever" in found.context and "asthma" in found.context


def test_a_sampler_goes_on_where_its_state_was_taken() -> None:
    one = PairSampler(TERMS, [], seed=5, clause_share=0.0)
    one.batch(8)
    state = one.state()
    other, stranger = (PairSampler(TERMS, [], seed=seed, clause_share=0.0) for seed in (5, 6))
    other.restore(state)
    stranger.restore(state)
    assert other.batch(8) == one.batch(8)
    assert stranger.batch(8) == PairSampler(TERMS, [], seed=6, clause_share=0.0).batch(8)


@pytest.mark.parametrize("name", ["equal", "uncertainty", "sequential"])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path: Path, name: str) -> None:
    options = TrainingOptions(steps=6, batch=4, learning_rate=1e-3, weighting=name, save_every=100, report_every=1)
    whole = _trainer(tmp_path / "whole", options)
    whole.train(PairSampler(TERMS, [], seed=0, clause_share=0.0))
    half = _trainer(tmp_path / "half", options)
    half.train(PairSampler(TERMS, [], seed=0, clause_share=0.0), until=3)
    seed_everything(99)  # the new process has drawn other numbers
    again = _trainer(tmp_path / "half", options)
    again.resume()
    again.train(PairSampler(TERMS, [], seed=0, clause_share=0.0))
    for one, other in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(whole.weighting.parameters(), again.weighting.parameters(), strict=True):
        assert torch.equal(one, other) and bool((one != 0).any())


def test_sequential_training_leaves_finished_dimensions_alone(tmp_path: Path) -> None:
    options = TrainingOptions(steps=8, batch=4, weighting="sequential", learning_rate=1e-3)
    trainer = _trainer(tmp_path, options)
    sampler = PairSampler(TERMS, [], seed=0, clause_share=0.0)
    trainer.train(sampler, until=4)
    before = trainer.network.projection.weight.detach().clone()
    trainer.train(sampler, until=5)
    width = trainer.weighting.finished(4)
    assert width == 256
    after = trainer.network.projection.weight.detach()
    assert torch.equal(after[width:], before[width:]) and not torch.equal(after[:width], before[:width])


def test_fixed_weights_reach_the_loss(tmp_path: Path) -> None:
    one = _trainer(tmp_path, TrainingOptions(weighting="fixed", prefix_weights=(0, 0, 0, 2.0)))
    pairs = PairSampler(TERMS, [], seed=0, clause_share=0.0).batch(6)
    texts = list(dict.fromkeys([*(p.query for p in pairs), *(p.target for p in pairs)]))
    losses = one.losses(pairs, texts, one.embed(texts))
    assert float(one.loss(pairs).detach()) == pytest.approx(2 * float(losses[3].detach()), rel=1e-5)
    with pytest.raises(ValueError, match="4 weights"):
        _trainer(tmp_path, TrainingOptions(weighting="fixed"))
    with pytest.raises(ValueError, match="bf16"):
        TrainingOptions(precision="fp8")  # type: ignore[arg-type]


def test_cached_gradients_are_the_gradients(tmp_path: Path) -> None:
    """GradCache in chunks of 3 texts, hard negatives and learned weights included, against one pass."""
    pairs = PairSampler(TERMS, [], seed=0, clause_share=0.0).batch(7)
    pairs[0] = Pair(pairs[0].code, pairs[0].query, pairs[0].target, Negative("R50.9", ("fever",)))
    gradients = []
    for chunk in (0, 3):
        trainer = _trainer(tmp_path, TrainingOptions(weighting="uncertainty", chunk=chunk))
        loss, each = trainer.backward(pairs)
        assert len(each) == 4 and loss == pytest.approx(sum(each), rel=1e-5)
        parameters = [*trainer.network.parameters(), *trainer.weighting.parameters()]
        gradients.append([p.grad for p in parameters])
    for one, other in zip(*gradients, strict=True):
        assert one is not None and other is not None
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_cached_gradients_replay_dropout(tmp_path: Path) -> None:
    """With dropout the second pass must drop what the first one dropped: the vectors of both are the same."""
    from model.training.gradient_cache import CachedVectors

    seen: list[torch.Tensor] = []

    def embed(texts: object) -> torch.Tensor:
        seen.append(functional.dropout(torch.ones(2, 50, requires_grad=True), 0.5))
        return seen[-1]

    torch.manual_seed(0)
    cached = CachedVectors(embed, [("a",), ("b",), ("c",), ("d",)], 2)
    (cached.leaf**2).sum().backward()  # type: ignore[no-untyped-call]
    cached.backward()
    assert len(seen) == 4 and torch.equal(seen[0], seen[2]) and torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[1])


def test_bf16_keeps_projection_and_loss_in_float32(tmp_path: Path) -> None:
    pairs = PairSampler(TERMS, [], seed=0, clause_share=0.0).batch(6)
    exact, half = (_trainer(tmp_path, TrainingOptions(precision=p)) for p in ("fp32", "bf16"))
    one, other = exact.embed([("chest pain",)]), half.embed([("chest pain",)])
    assert other.dtype == torch.float32 and not torch.equal(one, other)
    torch.testing.assert_close(one, other, atol=0.05, rtol=0.05)
    assert math.isfinite(half.backward(pairs)[0])
