"""The decide stage: ranked codes become two lists, `codes` and `candidates`, by floors on the score.

Scores are cosines, not probabilities: until a calibration is learned, `probability` is None and these floors, chosen
on CodiEsp dev and on notes without findings, say what is worth showing at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.pipeline.coding import CodedItem


@dataclass(frozen=True, slots=True)
class ScoreFloors:
    """Least score of `codes`, and least score of `candidates`; below both nothing is returned."""

    codes: float
    candidates: float


FLOORS = ScoreFloors(codes=0.80, candidates=0.55)


def split(
    items: tuple[CodedItem, ...], floors: ScoreFloors = FLOORS
) -> tuple[tuple[CodedItem, ...], tuple[CodedItem, ...]]:
    """Codes and candidates, each in the order given."""
    codes = tuple(item for item in items if item.score >= floors.codes)
    candidates = tuple(item for item in items if floors.candidates <= item.score < floors.codes)
    return codes, candidates
