"""The last stage: features of a code -> probability. Learned offline, evaluated with numpy alone.

Boosted regression trees (Friedman 2001) or a linear function give a logit; a monotone piecewise linear curve, read off
an isotonic regression (Zadrozny and Elkan 2002) of logits that were predicted for notes left out, makes it a
probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from model.encoder import Integers
from model.exit_leaves import ExitLeaves
from model.nested import Floats

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees as flat arrays: node n of tree t at [t, n]; a value goes left where it is <= threshold.

    feature: (T, N) int64, LEAF at leaves; threshold, value: (T, N) float64; left, right: (T, N) int64
    """

    feature: Integers
    threshold: Doubles
    left: Integers
    right: Integers
    value: Doubles
    base: float

    exits: ExitLeaves = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ValueError for trees that cannot be read (model/exit_leaves.py)."""
        exits = ExitLeaves.of(self.feature, self.threshold, self.left, self.right, self.value)
        object.__setattr__(self, "exits", exits)

    def logits(self, rows: Floats) -> Doubles:
        """(k, F) float32 -> (k,) float64: base + sum of the trees' leaves."""
        return self.base + np.asarray(self.exits.values(rows).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Linear:
    """weights . (row - mean) / scale + intercept."""

    mean: Doubles
    scale: Doubles
    weights: Doubles
    intercept: float

    def logits(self, rows: Floats) -> Doubles:
        """(k, F) -> (k,) float64."""
        return np.asarray((rows.astype(np.float64) - self.mean) / self.scale @ self.weights + self.intercept)


@dataclass(frozen=True, slots=True)
class Curve:
    """Probability at these logits, both strictly increasing; straight lines between them, flat outside."""

    logits: Doubles
    probabilities: Doubles

    def __post_init__(self) -> None:
        rising = len(self.logits) > 1 and (np.diff(self.logits) > 0).all() and (np.diff(self.probabilities) > 0).all()
        within = rising and self.probabilities[0] >= 0 and self.probabilities[-1] <= 1
        if not within:
            raise ValueError("a calibration curve needs two points or more, rising within 0..1")

    def __call__(self, logits: Doubles) -> Doubles:
        """(k,) -> (k,)."""
        return np.asarray(np.interp(logits, self.logits, self.probabilities))

    def logit(self, probability: float) -> float:
        """The logit that has this probability."""
        return float(np.interp(probability, self.probabilities, self.logits))


@dataclass(frozen=True, slots=True)
class LastStage:
    """A score function and its calibration curve.

    offsets: (F,) float64, added to the logit per unit of a feature: what is known and could not be learned
    """

    score: Trees | Linear
    curve: Curve
    offsets: Doubles

    def logits(self, rows: Floats) -> Doubles:
        """(k, F) float32 -> (k,) float64."""
        return np.asarray(self.score.logits(rows) + rows.astype(np.float64) @ self.offsets)

    def probabilities(self, rows: Floats) -> Doubles:
        """(k, F) float32 -> (k,) calibrated probabilities."""
        return self.curve(self.logits(rows))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        kind = "trees" if isinstance(self.score, Trees) else "linear"
        content = {"score": _plain(self.score), "curve": _plain(self.curve), "offsets": self.offsets.tolist()}
        return {"kind": kind, **content}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> LastStage:
        """What `to_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""
        kinds: dict[str, type[Trees] | type[Linear]] = {"trees": Trees, "linear": Linear}
        arrays = {name: _array(value) for name, value in content["score"].items()}
        curve = Curve(*(np.asarray(content["curve"][name], dtype=np.float64) for name in ("logits", "probabilities")))
        offsets = np.asarray(content["offsets"], dtype=np.float64)
        return cls(kinds[content["kind"]](**arrays), curve, offsets)


def _plain(part: Trees | Linear | Curve) -> dict[str, Any]:
    values = {of.name: getattr(part, of.name) for of in fields(part) if of.init}
    return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in values.items()}


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, list) else value
