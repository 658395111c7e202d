"""The weighting ablation: one projection over frozen pooled states for each weighting and seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.evaluation.mrl.accuracy import nearest
from app.evaluation.mrl.representations import Representation, projected
from app.evaluation.mrl.sample import Sample
from app.evaluation.run import Progress
from model.nested import PREFIXES, Floats
from model.training.projection import ProjectionOptions, train_projection
from model.training.weighting import NAMES

NARROW_FIRST = (4.0, 2.0, 1.0, 1.0)  # the fixed weights that are compared: short prefixes count more
UNTRAINED = "none (principal axes)"


def weightings(
    states: Floats, sample: Sample, seeds: Sequence[int], steps: int, progress: Progress
) -> dict[str, dict[str, Any]]:
    """For each weighting and level the 1-NN accuracy of every prefix: mean and standard deviation over the seeds."""
    runs = len(NAMES) * len(seeds)
    table = {UNTRAINED: _spread([_measure(states, sample, "equal", seeds[0], 0)])}
    done = 0
    for name in NAMES:
        found = []
        for seed in seeds:
            found.append(_measure(states, sample, name, seed, steps))
            done += 1
            progress("training with each weighting", done, runs)
        table[name] = _spread(found)
    return table


def train(states: Floats, sample: Sample, options: ProjectionOptions) -> Floats:
    """Vectors of all wordings under a projection that was trained on the known ones: (F, D)."""
    weight = train_projection(states[sample.known], sample.codes(sample.known), options)
    return projected(states, weight)


def _measure(states: Floats, sample: Sample, name: str, seed: int, steps: int) -> dict[str, dict[str, float]]:
    fixed = NARROW_FIRST if name == "fixed" else None
    options = ProjectionOptions(PREFIXES, name, fixed, steps=steps, seed=seed)
    vectors = train(states, sample, options)
    return nearest({name: Representation(vectors)}, sample, lambda stage, done, total: None)[name]


def _spread(found: Sequence[dict[str, dict[str, float]]]) -> dict[str, Any]:
    return {
        level: {
            d: {
                "mean": float(np.mean([one[level][d] for one in found])),
                "sd": float(np.std([one[level][d] for one in found], ddof=1)) if len(found) > 1 else 0.0,
            }
            for d in found[0][level]
        }
        for level in ("category", "code")
    }
