"""The decide stage: ranked codes become two lists, `codes` and `candidates`, by floors.

With a calibration the floors are its thresholds on the probability, or the caller's. Without one they are on the score,
a cosine less its crowding: `codes` near the best F1 on CodiEsp dev, and for `candidates` sentences of notes that hold
no finding stay below.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from app.pipeline.calibration import Calibration
from app.pipeline.coding import CodedItem


@dataclass(frozen=True, slots=True)
class Floors:
    """Least probability, or score where there is none, of `codes` and of `candidates`."""

    codes: float
    candidates: float


COSINES = Floors(codes=0.88, candidates=0.78)
TOLD = 0.25


def floors_of(calibration: Calibration, threshold: float | None) -> Floors:
    """The calibration's own floors; a caller's threshold moves that of `codes`, and candidates stay below it."""
    own = calibration.thresholds
    codes = own.best_f1 if threshold is None else threshold
    return Floors(codes, min(codes, own.candidates))


def split(
    items: Sequence[CodedItem], floors: Floors = COSINES, demoted: AbstractSet[str] = frozenset()
) -> tuple[tuple[CodedItem, ...], tuple[CodedItem, ...]]:
    """Codes and candidates, each in the order given. demoted: codes that may be candidates only."""
    codes = tuple(item for item in items if _worth(item) >= floors.codes and item.code not in demoted)
    listed = {item.code for item in codes}
    candidates = tuple(item for item in shown(items, floors) if item.code not in listed)
    return codes, candidates


def shown(items: Sequence[CodedItem], floors: Floors = COSINES) -> tuple[CodedItem, ...]:
    """The items that are worth showing at all, in the order given."""
    return tuple(item for item in items if _worth(item) >= floors.candidates)


def told(items: Sequence[CodedItem], floors: Floors = COSINES) -> tuple[CodedItem, ...]:
    """The suppressed items that are worth telling, in the order given.

    The last stage has learned from notes in which nothing denied or of relatives was reported, so it gives such
    mentions little: a share of what a candidate needs will do.
    """
    shares = ((item, 1.0 if item.probability is None else TOLD) for item in items)  # a cosine was learned from nothing
    return tuple(item for item, share in shares if _worth(item) >= share * floors.candidates)


def _worth(item: CodedItem) -> float:
    return item.score if item.probability is None else item.probability
