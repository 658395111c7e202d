"""Weightings of the MRL sum: what each gives, what it learns, and which dimensions it leaves alone."""

from __future__ import annotations

import math

import pytest
import torch

from model.training.losses import prefix_losses
from model.training.weighting import NAMES, Focal, Sequential, Uncertainty, Weighting, rest, weighting

PREFIXES = (64, 128, 256, 768)
LOSSES = torch.tensor([2.0, 1.0, 0.5, 0.25])


def test_equal_and_fixed_weights_do_not_change() -> None:
    equal = weighting("equal", PREFIXES, steps=10)
    assert float(equal.total(LOSSES, 0)) == pytest.approx(3.75)
    fixed = weighting("fixed", PREFIXES, steps=10, fixed=(0, 0, 0, 4))
    assert float(fixed.total(LOSSES, 9)) == pytest.approx(1.0)
    assert not list(equal.parameters()) and not list(fixed.parameters())


def test_uncertainty_settles_at_half_of_the_inverse_loss() -> None:
    learned = Uncertainty(4)
    assert float(learned.total(LOSSES, 0).detach()) == pytest.approx(3.75)
    optimizer = torch.optim.SGD(learned.parameters(), lr=0.5)
    for step in range(200):
        optimizer.zero_grad()
        learned.total(LOSSES, step).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert learned.weights(LOSSES, 200).tolist() == pytest.approx([0.25, 0.5, 1.0, 2.0], rel=1e-3)


def test_focal_weights_follow_the_losses_and_carry_no_gradient() -> None:
    losses = LOSSES.clone().requires_grad_()
    found = Focal(4, gamma=2.0).weights(losses, 0)
    raw = [(1 - math.exp(-x)) ** 2 for x in LOSSES.tolist()]
    assert found.tolist() == pytest.approx([4 * x / sum(raw) for x in raw], rel=1e-5)
    assert not found.requires_grad
    assert Focal(4, gamma=0.0).weights(losses, 0).tolist() == pytest.approx([1.0] * 4)
    assert Focal(4).weights(torch.zeros(4), 0).tolist() == [1.0] * 4


def test_sequential_goes_from_wide_to_narrow() -> None:
    found = weighting("sequential", PREFIXES, steps=120)
    assert isinstance(found, Sequential)
    assert [found.width(step) for step in (0, 59, 60, 79, 80, 100, 119)] == [768, 768, 256, 256, 128, 64, 64]
    assert found.weights(LOSSES, 0).tolist() == [0, 0, 0, 1]
    assert found.weights(LOSSES, 80).tolist() == [0, 1, 1, 1]
    alone = Sequential(PREFIXES, (0, 10, 20, 30), keep=0.0)
    assert alone.weights(LOSSES, 25).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(("step", "width"), [(0, 768), (10, 256), (20, 128), (30, 64)])
def test_finished_dimensions_get_no_gradient(step: int, width: int) -> None:
    found = Sequential(PREFIXES, (0, 10, 20, 30))
    torch.manual_seed(0)
    vectors = torch.randn(8, 768, requires_grad=True)
    masked = found.mask(vectors, step)
    ignore = torch.zeros(4, 4, dtype=torch.bool)
    losses = prefix_losses(masked[:4], masked[4:], ignore, prefixes=PREFIXES, temperature=0.05)
    found.total(losses, step).backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    assert bool((vectors.grad[:, :width] != 0).any(dim=0).all())
    assert not vectors.grad[:, width:].any()


def test_finished_rows_do_not_move_by_momentum() -> None:
    found = Sequential((2, 4), (0, 1))
    weight = torch.ones(4, 3, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.1)
    moved = []
    for step in range(3):
        before = weight.detach().clone()
        optimizer.zero_grad()
        (found.mask(torch.ones(1, 3) @ weight.T, step) ** 2).sum().backward()  # type: ignore[no-untyped-call]
        rest(optimizer, weight, found.finished(step))
        optimizer.step()
        moved.append((weight.detach() != before).any(dim=1).tolist())
    assert moved == [[True] * 4, [True, True, False, False], [True, True, False, False]]
    assert Weighting([1.0]).finished(0) is None


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown weighting best"):
        weighting("best", PREFIXES, steps=10)
    with pytest.raises(ValueError, match="needs 4 weights"):
        weighting("fixed", PREFIXES, steps=10, fixed=(1, 2))
    with pytest.raises(ValueError, match="not all zero"):
        Weighting([0.0, 0.0])
    with pytest.raises(ValueError, match="ascend"):
        Sequential((128, 64), (0, 1))
    with pytest.raises(ValueError, match="one step per prefix"):
        Sequential((64, 128), (1, 2))
    with pytest.raises(ValueError, match="negative"):
        Focal(4, gamma=-1)
    assert {"equal", "fixed", "uncertainty", "focal", "sequential"} == set(NAMES)


def test_one_prefix_alone_may_be_trained_in_every_way_but_fixed() -> None:
    for name in NAMES:
        found = weighting(name, (64,), steps=4, fixed=(1.0,))
        assert float(found.total(torch.tensor([0.5]), 3).detach()) == pytest.approx(0.5)
