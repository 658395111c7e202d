"""Codings of one note by several code sets become one ranked answer; each code keeps its system and edition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.pipeline.coding import CodedItem, Coding


def merged(codings: Sequence[Coding], top_k: int) -> Coding:
    """The best top_k codes and candidates of all, by score; equal ones by code, then in the order of the codings.

    What is suppressed is merged the same way. Stages that were run once for all are counted once, others summed.
    """
    kept = _ranked((item for one in codings for item in (*one.codes, *one.candidates)), top_k)
    listed = {(item.system, item.code) for one in codings for item in one.codes}
    return replace(
        codings[0],
        codes=tuple(item for item in kept if (item.system, item.code) in listed),
        candidates=tuple(item for item in kept if (item.system, item.code) not in listed),
        suppressed=_ranked((item for one in codings for item in one.suppressed), top_k),
        timings_ms=_summed([one.timings_ms for one in codings]),
        warnings=tuple(dict.fromkeys(warning for one in codings for warning in one.warnings)),
        truncated=any(one.truncated for one in codings),
    )


def _ranked(items: Iterable[CodedItem], top_k: int) -> tuple[CodedItem, ...]:
    best = sorted(items, key=lambda item: (-item.score, item.code))[:top_k]
    return tuple(replace(item, rank=rank) for rank, item in enumerate(best, start=1))


def _summed(timings: Iterable[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in timings:
        for stage, milliseconds in one.items():
            total[stage] = total.get(stage, 0.0) + milliseconds
    return total
