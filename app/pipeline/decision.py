"""The decide stage: ranked codes become two lists, `codes` and `candidates`, by floors on the score.

Scores are cosines less their crowding, not probabilities: until a calibration is learned, `probability` is None and
these floors say what is worth showing at all. `codes`: near the best F1 on CodiEsp dev. `candidates`: sentences of
notes that hold no finding (tests/app/test_shipped_model.py) stay below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from app.pipeline.coding import CodedItem


@dataclass(frozen=True, slots=True)
class ScoreFloors:
    """Least score of `codes`, and least score of `candidates`; below both nothing is returned."""

    codes: float
    candidates: float


FLOORS = ScoreFloors(codes=0.88, candidates=0.78)


def split(
    items: Sequence[CodedItem], floors: ScoreFloors = FLOORS, demoted: AbstractSet[str] = frozenset()
) -> tuple[tuple[CodedItem, ...], tuple[CodedItem, ...]]:
    """Codes and candidates, each in the order given. demoted: codes that may be candidates only."""
    codes = tuple(item for item in items if item.score >= floors.codes and item.code not in demoted)
    listed = {item.code for item in codes}
    candidates = tuple(item for item in shown(items, floors) if item.code not in listed)
    return codes, candidates


def shown(items: Sequence[CodedItem], floors: ScoreFloors = FLOORS) -> tuple[CodedItem, ...]:
    """The items that are worth showing at all, in the order given."""
    return tuple(item for item in items if item.score >= floors.candidates)
