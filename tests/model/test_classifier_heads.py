"""Heads over prefixes, MRL and MRL-E, and classification that stops early."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from model.nested import Floats, prefix
from model.training.adaptive_classification import Adaptive, curve, learn
from model.training.classifier_heads import Form, HeadOptions, Labels, NestedHeads, train_heads
from model.training.weighting import weighting

PREFIXES = (4, 8, 16)
OPTIONS = HeadOptions(epochs=12, batch=32)


def _clusters(rows: int, seed: int) -> tuple[Floats, Labels]:
    """Four classes: the first four dimensions tell two pairs apart, the next four each pair's members."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, size=rows)
    vectors = rng.normal(scale=0.3, size=(rows, 16)).astype(np.float32)
    vectors[:, 0] += np.where(labels < 2, 1.5, -1.5)
    vectors[:, 4] += np.where(labels % 2 == 0, 1.5, -1.5)
    return vectors, labels.astype(np.int64)


@pytest.mark.parametrize("form", ["mrl", "mrl-e"])
def test_heads_learn_what_their_prefix_can_tell(form: Form) -> None:
    heads = train_heads(*_clusters(400, 0), PREFIXES, 4, form=form, options=OPTIONS)
    vectors, labels = _clusters(400, 1)
    accuracy = [float((heads.predict(vectors, d) == labels).mean()) for d in PREFIXES]
    assert 0.4 < accuracy[0] < 0.65
    assert min(accuracy[1:]) > 0.9


def test_the_same_seed_gives_the_same_heads_and_another_one_others() -> None:
    data = _clusters(100, 0)
    one, same, other = (train_heads(*data, PREFIXES, 4, options=HeadOptions(epochs=1, seed=s)) for s in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_tied_head_reads_columns_of_one_matrix() -> None:
    tied, apart = NestedHeads(PREFIXES, 4, "mrl-e"), NestedHeads(PREFIXES, 4, "mrl")
    assert sum(p.numel() for p in tied.parameters()) == 4 * 16 + 4
    assert sum(p.numel() for p in apart.parameters()) == 4 * (4 + 8 + 16) + 3 * 4
    torch.nn.init.normal_(tied.heads[0].weight)  # type: ignore[arg-type]
    vectors = _clusters(5, 0)[0]
    weight = tied.heads[0].weight.detach().numpy()  # type: ignore[operator]
    expected = 16.0 * prefix(vectors, 8) @ weight[:, :8].T
    assert np.allclose(tied.logits(torch.from_numpy(vectors), 8).detach().numpy(), expected, atol=1e-4)


def test_losses_are_the_cross_entropies_of_the_prefixes_and_reach_live_vectors() -> None:
    heads = NestedHeads(PREFIXES, 4)
    for head in heads.heads:
        torch.nn.init.normal_(head.weight)  # type: ignore[arg-type]
    found, labels = (torch.from_numpy(a) for a in _clusters(6, 0))
    vectors = found.requires_grad_()
    losses = heads.losses(vectors, labels)
    expected = [float(functional.cross_entropy(heads.logits(vectors, d), labels).detach()) for d in PREFIXES]
    assert losses.tolist() == pytest.approx(expected)
    losses[0].backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    assert vectors.grad[:, :4].any() and not vectors.grad[:, 4:].any()


def test_weightings_train_heads_as_well() -> None:
    chosen = weighting("uncertainty", PREFIXES, steps=100)
    train_heads(*_clusters(200, 0), PREFIXES, 4, weighting=chosen, options=HeadOptions(epochs=3))
    assert not torch.equal(next(chosen.parameters()), torch.zeros(3))


def test_what_cannot_be_trained_is_refused() -> None:
    vectors, labels = _clusters(10, 0)
    with pytest.raises(ValueError, match="10 vectors with 9 labels"):
        train_heads(vectors, labels[:9], PREFIXES, 4)
    with pytest.raises(ValueError, match="1 classes"):
        NestedHeads(PREFIXES, 1)
    with pytest.raises(ValueError, match="ascend"):
        NestedHeads((8, 4), 2)
    with pytest.raises(ValueError, match="no head for 5"):
        NestedHeads(PREFIXES, 2).logits(torch.zeros(1, 16), 5)


def test_adaptive_classification_reads_fewer_dimensions_and_stays_as_good() -> None:
    heads = train_heads(*_clusters(400, 0), PREFIXES, 4, options=OPTIONS)
    held_out, test = _clusters(300, 1), _clusters(300, 2)
    adaptive = learn(heads, *held_out, lost=0.01)
    classes, dimensions = adaptive.classify(test[0])
    assert set(dimensions.tolist()) <= set(PREFIXES) and dimensions.mean() < 16
    full = float((heads.predict(test[0], 16) == test[1]).mean())
    assert float((classes == test[1]).mean()) > full - 0.05


def test_a_row_is_classified_by_the_prefix_it_stopped_at() -> None:
    heads = train_heads(*_clusters(200, 0), PREFIXES, 4, options=OPTIONS)
    vectors, _ = _clusters(50, 1)
    for thresholds, width in (((0.0, 0.0), 4), ((float("inf"), 0.0), 8), ((float("inf"), float("inf")), 16)):
        classes, dimensions = Adaptive(heads, thresholds).classify(vectors)
        assert set(dimensions.tolist()) == {width}
        assert (classes == heads.predict(vectors, width)).all()


def test_the_more_accuracy_may_be_lost_the_fewer_dimensions_are_read() -> None:
    heads = train_heads(*_clusters(400, 0), PREFIXES, 4, options=OPTIONS)
    points = curve(heads, _clusters(300, 1), _clusters(300, 2), (0.0, 0.05, 0.5))
    dimensions = [point.expected_dimension for point in points]
    assert dimensions == sorted(dimensions, reverse=True) and dimensions[-1] < dimensions[0]
