"""What is denied does not crowd: codes that stood in the shadow of a suppressed one are scored without it.

"No edema, has varicose veins": the code of varicose veins with edema takes the mention and is suppressed. The last
stage gave the plain code little, because a better one of its category was there. It is asked again without what is
suppressed, for codes of the same categories alone (docs/decisions/0036).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from app.pipeline.assertion.verdict import Sorted

CATEGORY = 3  # characters of a code
Rescored = Callable[[AbstractSet[str]], Mapping[str, tuple[float, float]]]
"""Codes to leave out -> score and probability of each of the others."""


def lift_shadows(found: Sorted, rescored: Rescored) -> None:
    """Raise the kept codes that a better suppressed one of their category held down; ranks and order are anew."""
    best: dict[str, float] = {}
    for item in found.suppressed:
        best[item.code[:CATEGORY]] = max(item.score, best.get(item.code[:CATEGORY], 0.0))
    shadowed = {item.code for item in found.kept if best.get(item.code[:CATEGORY], 0.0) > item.score}
    if not shadowed:
        return
    anew = rescored({item.code for item in found.suppressed})
    raised = []
    for item in found.kept:
        score, probability = anew.get(item.code, (0.0, 0.0)) if item.code in shadowed else (0.0, 0.0)
        raised.append(replace(item, score=score, probability=probability) if score > item.score else item)
    ranked = sorted(raised, key=lambda item: -item.score)  # stable: equals stay in order
    found.kept = [replace(item, rank=rank) for rank, item in enumerate(ranked, start=1)]
