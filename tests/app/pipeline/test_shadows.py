"""Codes that a suppressed one of their category held down are scored without it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from app.pipeline.assertion.verdict import Sorted
from app.pipeline.coding import CodedItem
from app.pipeline.note import CodingOptions
from app.pipeline.shadows import lift_shadows


def item(code: str, score: float, rank: int = 1) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", rank, score, score, True, (), {})


def lifted(kept: list[CodedItem], suppressed: list[CodedItem], anew: dict[str, tuple[float, float]]) -> list[CodedItem]:
    asked: list[AbstractSet[str]] = []

    def rescored(gone: AbstractSet[str]) -> dict[str, tuple[float, float]]:
        asked.append(gone)
        return anew

    found = Sorted(CodingOptions(), kept, suppressed, set())
    lift_shadows(found, rescored)
    assert asked in ([], [{one.code for one in suppressed}])
    assert [one.rank for one in found.kept] == list(range(1, len(kept) + 1))
    return found.kept


def test_the_plain_code_is_raised_and_ranked_anew() -> None:
    kept = [item("I10", 0.5, 1), item("I83.90", 0.2, 2)]
    found = lifted(kept, [item("I83.892", 0.7)], {"I83.90": (0.6, 0.55), "I10": (0.9, 0.9)})
    assert [(one.code, one.score, one.probability) for one in found] == [("I83.90", 0.6, 0.55), ("I10", 0.5, 0.5)]


def test_nothing_is_lowered() -> None:
    assert lifted([item("I83.90", 0.2)], [item("I83.892", 0.7)], {"I83.90": (0.1, 0.1)})[0].score == 0.2


def test_a_code_that_was_better_or_is_of_another_category_stays() -> None:
    anew = {"I83.90": (0.9, 0.9), "R60.9": (0.9, 0.9)}
    found = lifted([item("I83.90", 0.8, 1), item("R60.9", 0.1, 2)], [item("I83.892", 0.7)], anew)
    assert [one.score for one in found] == [0.8, 0.1]
