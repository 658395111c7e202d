"""A projection trained alone finds the dimensions in which wordings of a code agree."""

from __future__ import annotations

import numpy as np
import pytest

from model.nested import Floats, normalise
from model.training.projection import ProjectionOptions, principal_axes, train_projection

NAMES = [f"{letter}{number:02d}" for letter in "AB" for number in range(8)]
PREFIXES = (4, 8, 16)


def _states() -> tuple[Floats, list[str]]:
    """Four wordings of sixteen codes: what they share is small, and loud noise stands beside it."""
    rng = np.random.default_rng(0)
    shared = np.repeat(rng.normal(size=(len(NAMES), 12)), 4, axis=0)
    noise = rng.normal(scale=2.0, size=(len(shared), 12))
    states = np.concatenate([noise, shared + rng.normal(scale=0.1, size=shared.shape)], axis=1)
    return states.astype(np.float32), [name for name in NAMES for _ in range(4)]


def _one_nearest(states: Floats, codes: list[str], weight: Floats, dimensions: int) -> float:
    vectors = normalise(states @ weight[:dimensions].T)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    return float(np.mean([codes[i] == codes[j] for i, j in enumerate(cosines.argmax(axis=1))]))


@pytest.mark.parametrize("weighting", ["equal", "fixed", "uncertainty", "focal", "sequential"])
def test_training_finds_what_the_wordings_of_a_code_share(weighting: str) -> None:
    states, codes = _states()
    fixed = (2.0, 1.0, 1.0) if weighting == "fixed" else None
    options = ProjectionOptions(PREFIXES, weighting, fixed, steps=60, batch=16, learning_rate=0.02)
    weight = train_projection(states, codes, options)
    start = principal_axes(states, 16)
    assert weight.shape == (16, 24)
    for dimensions in (4, 8):
        assert _one_nearest(states, codes, weight, dimensions) > _one_nearest(states, codes, start, dimensions) + 0.2


def test_the_same_seed_gives_the_same_projection() -> None:
    states, codes = _states()
    one, same, other = (train_projection(states, codes, ProjectionOptions((8,), steps=3, seed=s)) for s in (0, 0, 1))
    assert (one == same).all() and (one != other).any()
    assert one.shape == (8, 24)


def test_the_start_holds_the_most_energy_first() -> None:
    states, _ = _states()
    energy = np.square(states @ principal_axes(states, 24).T).sum(axis=0)
    assert (np.diff(energy) <= 1e-2).all()
    wider = principal_axes(states, 30)
    assert wider.shape == (30, 24) and wider[:24].any(axis=1).all() and not wider[24:].any()


def test_codes_with_one_wording_teach_nothing() -> None:
    states, _ = _states()
    with pytest.raises(ValueError, match="two codes"):
        train_projection(states[:3], ["A00", "A01", "A02"], ProjectionOptions((8,)))
