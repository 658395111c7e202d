"""Early exit by margin: stop the cascade where the scores of what is kept are clear of those of what is dropped.

After a stage the codes are ranked by its prefix. Where the last code that is wanted stands clearly above the first one
that would not be handed on, the later searches hardly change which codes are answered, and few go on to the last
stage at once. How clear is clear enough is learned: the thresholds with the least expected cost whose answers agree
with those of the whole cascade as much as asked for.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.nested import Floats
from model.retrieval.thresholds import learn_thresholds

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Exit:
    """What one note gives where it stops after a stage: the margin there, and the labels that are answered then."""

    margin: float
    answered: Collection[Hashable]


@dataclass(frozen=True, slots=True)
class Example:
    """One held-out note: what it gives after each stage, by the stage's dimensions, and after the whole cascade."""

    exits: Mapping[int, Exit]
    final: Collection[Hashable]


def margin(scores: Floats, wanted: int, kept: int) -> float:
    """Score of the last label that is wanted less that of the first one dropped; inf where nothing is dropped.

    scores: in any order; `kept` labels are handed on, `wanted` of them are answered. Raises ValueError where fewer are
    kept than wanted.
    """
    if not 1 <= wanted <= kept:
        raise ValueError(f"{kept} labels handed on where {wanted} are wanted")
    if len(scores) <= kept:
        return math.inf
    ranked = np.sort(scores)[::-1]
    return float(ranked[wanted - 1]) - float(ranked[kept])


@dataclass(frozen=True, slots=True)
class EarlyExit:
    """The least margin at which each stage may be the last one.

    kept:       stage's dimensions -> labels handed on from there
    thresholds: stage's dimensions -> margin; inf = never stop here
    top_k, target: what they were learned for; agreement, cost: what they gave on the notes they were learned on
    learned_with: what ranked those notes; a rule holds for nothing else
    """

    top_k: int
    kept: Mapping[int, int]
    thresholds: Mapping[int, float]
    target: float
    agreement: float
    cost: float
    learned_with: str = ""

    def margin(self, dimensions: int, scores: Floats) -> float:
        """The margin after a stage that has a rule; scores: those that choose what is handed on."""
        return margin(scores, self.top_k, self.kept[dimensions])

    def settled(self, dimensions: int, margin: float) -> bool:
        """Whether the cascade may stop after this stage. Never after one that has no threshold."""
        threshold = self.thresholds.get(dimensions, math.inf)
        return threshold != math.inf and margin >= threshold

    @classmethod
    def always(cls, stage: int, top_k: int, kept: Mapping[int, int]) -> EarlyExit:
        """Stops every note after this stage: what a rule is learned from."""
        thresholds = {one: -math.inf if one == stage else math.inf for one in kept}
        return cls(top_k, kept, thresholds, 0.0, 0.0, 0.0)

    @classmethod
    def learn(
        cls,
        examples: Sequence[Example],
        top_k: int,
        kept: Mapping[int, int],
        costs: Mapping[int, float],
        last_cost: float,
        target: float = 0.99,
        learned_with: str = "",
    ) -> EarlyExit:
        """The thresholds with the least expected cost whose mean agreement with the final labels is at least `target`.

        costs: what an answer costs that stops after each stage, in any unit, e.g. milliseconds; last_cost: what the
        whole cascade costs. Agreement is the share of labels that both answers have. Raises ValueError without
        examples or where a stage is missing in one.
        """
        stages = sorted(costs)
        if not examples or kept.keys() != costs.keys() or any(e.exits.keys() != costs.keys() for e in examples):
            raise ValueError("every example needs an exit after every stage that has a cost, and one at least")
        margins = np.array([[e.exits[s].margin for s in stages] for e in examples])
        agreed = np.array([[agreement(e.exits[s].answered, e.final) for s in stages] + [1.0] for e in examples])
        prices = np.array([*(costs[s] for s in stages), last_cost])
        found = learn_thresholds(margins, agreed, prices, target)
        thresholds = dict(zip(stages, found.thresholds, strict=True))
        return cls(top_k, dict(kept), thresholds, target, found.quality, found.cost, learned_with)

    def taken(self, example: Example) -> int | None:
        """The stage after which an example stops; None where it goes through the whole cascade."""
        return next((s for s in sorted(self.kept) if self.settled(s, example.exits[s].margin)), None)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; a threshold that is never reached is null."""
        named = {str(stage): None if t == math.inf else t for stage, t in self.thresholds.items()}
        figures = {"target": self.target, "agreement": self.agreement, "cost": self.cost}
        kept = {str(stage): count for stage, count in self.kept.items()}
        learned = {"learned_with": self.learned_with}
        return {"format": FORMAT, "top_k": self.top_k, "kept": kept, "thresholds": named, **figures, **learned}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EarlyExit:
        """What `to_json` gave. Raises ValueError naming the field that does not fit."""
        if content.get("format") != FORMAT:
            raise ValueError(f"field format is {content.get('format')!r}, this version reads {FORMAT}")
        try:
            kept = {int(s): int(count) for s, count in content["kept"].items()}
            named = {int(s): math.inf if t is None else float(t) for s, t in content["thresholds"].items()}
            rule = cls(
                top_k=int(content["top_k"]),
                kept=kept,
                thresholds=named,
                target=float(content["target"]),
                agreement=float(content["agreement"]),
                cost=float(content["cost"]),
                learned_with=str(content["learned_with"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a field is missing or of the wrong type: {error}") from None
        if kept.keys() != named.keys() or any(count < rule.top_k for count in kept.values()):
            raise ValueError("field kept: every stage with a threshold hands on top_k labels at least")
        return rule


def agreement(one: Collection[Hashable], other: Collection[Hashable]) -> float:
    """The share of labels that both have, of the larger of the two; 1 where both are empty."""
    first, second = set(one), set(other)
    return len(first & second) / max(len(first), len(second)) if first or second else 1.0
