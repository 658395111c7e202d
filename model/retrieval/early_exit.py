"""When a cascade may stop: the ranking is settled once the last code kept is clearly better than the first dropped.

Margins at which later stages did not change the top k any more are learned on held-out notes: the cheapest ones with
at least the wished-for agreement with the whole cascade.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.nested import Floats
from model.retrieval.thresholds import learn_thresholds

FORMAT = 1


@dataclass(frozen=True, slots=True)
class StageRanking:
    """What one stage ranked, best first: labels and their scores, of the same length, scores not rising."""

    labels: Sequence[Hashable]
    scores: Floats

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.scores):
            raise ValueError(f"{len(self.labels)} labels with {len(self.scores)} scores")


@dataclass(frozen=True, slots=True)
class Example:
    """One held-out note: the ranking after each stage, by the stage's dimensions, and the whole cascade's top k."""

    stages: Mapping[int, StageRanking]
    final: Collection[Hashable]


def margin(scores: Floats, top_k: int) -> float:
    """Score of the last code kept less that of the first one dropped; inf where nothing is dropped."""
    if len(scores) <= top_k:
        return math.inf
    return float(scores[top_k - 1]) - float(scores[top_k])


@dataclass(frozen=True, slots=True)
class EarlyExit:
    """The least margin at which each stage may be the last one.

    thresholds: stage's dimensions -> margin; inf = never stop here
    top_k, target: what they were learned for; agreement, cost: what they gave on the notes they were learned on
    """

    top_k: int
    thresholds: Mapping[int, float]
    target: float
    agreement: float
    cost: float

    def settled(self, dimensions: int, scores: Floats, top_k: int) -> bool:
        """Whether the cascade may stop after this stage. scores: its ranking, best first.

        Never for another top_k than the learned one, and never after a stage that has no threshold.
        """
        threshold = self.thresholds.get(dimensions, math.inf)
        return top_k == self.top_k and math.isfinite(threshold) and margin(scores, top_k) >= threshold

    @classmethod
    def learn(
        cls, examples: Sequence[Example], top_k: int, costs: Mapping[int, float], last_cost: float, target: float = 0.99
    ) -> EarlyExit:
        """The thresholds with the least expected cost whose mean agreement with the final top k is at least `target`.

        costs: what an answer costs that stops after each stage, in any unit, e.g. milliseconds; last_cost: what the
        whole cascade costs. Agreement is the share of the final top k that a stage's own top k holds. Raises
        ValueError without examples or where a stage is missing in one.
        """
        stages = sorted(costs)
        if not examples or any(stage not in example.stages for example in examples for stage in stages):
            raise ValueError("every example needs the ranking of every stage that has a cost, and one at least")
        margins = np.array([[margin(e.stages[s].scores, top_k) for s in stages] for e in examples])
        agreed = np.array([[_agreement(e.stages[s], e.final, top_k) for s in stages] + [1.0] for e in examples])
        prices = np.array([*(costs[s] for s in stages), last_cost])
        found = learn_thresholds(margins, agreed, prices, target)
        return cls(top_k, dict(zip(stages, found.thresholds, strict=True)), target, found.quality, found.cost)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; a threshold that is never reached is null."""
        named = {str(stage): None if math.isinf(t) else t for stage, t in self.thresholds.items()}
        figures = {"target": self.target, "agreement": self.agreement, "cost": self.cost}
        return {"format": FORMAT, "top_k": self.top_k, "thresholds": named, **figures}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EarlyExit:
        """What `to_json` gave. Raises ValueError naming the field that does not fit."""
        if content.get("format") != FORMAT:
            raise ValueError(f"field format is {content.get('format')!r}, this version reads {FORMAT}")
        try:
            named = {int(s): math.inf if t is None else float(t) for s, t in content["thresholds"].items()}
            return cls(int(content["top_k"]), named, *(float(content[n]) for n in ("target", "agreement", "cost")))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a field is missing or of the wrong type: {error}") from None


def _agreement(ranking: StageRanking, final: Collection[Hashable], top_k: int) -> float:
    kept, wanted = set(ranking.labels[:top_k]), set(final)
    return len(kept & wanted) / max(len(kept), len(wanted), 1)
