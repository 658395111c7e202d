"""A calibration for a code set that has none of its own: the ICD-10-CM one without the features that do not carry over.

What the length of a code says is of ICD-10-CM, and priors and frequencies are of its codes. Of ICD-10-PCS neither the
title, which is nearly all that a code has, nor the first three characters, which are a table of hundreds of codes, tell
one code from another (docs/decisions/0018). Each such feature is held at one value: trees lose the branches that it
decided, a linear function the weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from app.pipeline.calibration import ATTENTION, Calibration
from model.last_stage import LastStage, Linear, Trees
from model.nested import WIDTH

HELD: Final[Mapping[str, float]] = {"code_length": 4.0, "usage": 3.0, "usage_gap": 0.0}
HELD_TOO: Final[Mapping[str, Mapping[str, float]]] = {
    "icd-10-pcs": {"title": 1.0, "category_crowd": 0.0, "category_gap": 0.0},
}
LEARNED_ON: Final = "icd-10-cm"
NEUTRAL: Final = "attention_neutral"  # of what was learned: the logit at which the label attention is held


def fitting(calibrations: Mapping[str, Calibration], code_set: str, dimensions: int = WIDTH) -> dict[str, Calibration]:
    """Each calibration as a code set can use it: as it is where it was learned on that set, else carried over.

    dimensions: of the index; a label attention that reads more is held
    """
    calibrations = {name: _within(one, dimensions) for name, one in calibrations.items()}
    native = {name: one.learned.get("code_set", LEARNED_ON) == code_set for name, one in calibrations.items()}
    return {name: one if native[name] else carried_over(one, code_set) for name, one in calibrations.items()}


def carried_over(calibration: Calibration, code_set: str) -> Calibration:
    """The calibration without priors and frequencies of codes, and with what does not carry over held."""
    held = {**HELD, **HELD_TOO.get(code_set, {})}
    held |= {"prior": calibration.prior.get("", 0.0), "frequency": calibration.frequency.get("", 0.0)}
    return replace(
        _without_attention(calibration),
        last_stage=_held(calibration, {**held, **_neutral(calibration)}),
        search_weight=0.0,
        usage_weight=0.0,
        prior={},
        frequency={},
        version=f"{calibration.version} carried over",
    )


def _within(calibration: Calibration, dimensions: int) -> Calibration:
    planted = calibration.planted
    return calibration if planted is None or planted.config.width <= dimensions else _without_attention(calibration)


def _without_attention(calibration: Calibration) -> Calibration:
    return replace(
        calibration,
        last_stage=_held(calibration, _neutral(calibration)),
        attention="",
        version=f"{calibration.version} without attention",
        planted=None,
    )


def _neutral(calibration: Calibration) -> dict[str, float]:
    return {ATTENTION: float(calibration.learned.get(NEUTRAL, 0.0))}


def _held(calibration: Calibration, values: Mapping[str, float]) -> LastStage:
    columns = {calibration.features.index(name): v for name, v in values.items() if name in calibration.features}
    return without(calibration.last_stage, columns)


def without(stage: LastStage, values: Mapping[int, float]) -> LastStage:
    """The last stage as it answers when these columns hold these values, whatever they hold."""
    constant = sum(float(stage.offsets[column]) * value for column, value in values.items())
    offsets = stage.offsets.copy()
    offsets[list(values)] = 0.0
    score = _pruned(stage.score, values) if isinstance(stage.score, Trees) else _shifted(stage.score, values)
    return LastStage(_raised(score, constant), stage.curve, offsets)


def _pruned(trees: Trees, values: Mapping[int, float]) -> Trees:
    """A node that asks for a held column sends everything where its value goes."""
    threshold = trees.threshold.copy()
    for column, value in values.items():
        asks = trees.feature == column
        threshold[asks] = np.where(value <= trees.threshold[asks], np.inf, -np.inf)
    return replace(trees, threshold=threshold)


def _shifted(linear: Linear, values: Mapping[int, float]) -> Linear:
    weights, columns = linear.weights.copy(), list(values)
    held = (np.array([values[c] for c in columns]) - linear.mean[columns]) / linear.scale[columns]
    weights[columns] = 0.0
    return replace(linear, weights=weights, intercept=linear.intercept + float(held @ linear.weights[columns]))


def _raised(score: Trees | Linear, constant: float) -> Trees | Linear:
    if isinstance(score, Trees):
        return replace(score, base=score.base + constant)
    return replace(score, intercept=score.intercept + constant)
