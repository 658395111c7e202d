"""Sides as clinicians write them, and what the rest of the note says of a code."""

from __future__ import annotations

import pytest

from app.pipeline.sides import BOTH, LEFT, RIGHT, agreement, sides


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fracture of the left wrist", LEFT),
        ("L knee pain", LEFT),
        ("left-sided weakness", LEFT),
        ("Rt hip", RIGHT),
        ("OD cataract", RIGHT),
        ("both eyes", BOTH),
        ("edema of the right and left ankle", BOTH),
        ("b/l knee OA", BOTH),
        ("L4-5 disc herniation", 0),
        ("L-spine films", 0),
        ("lisinopril 10 mg", 0),
        ("r/o MI", 0),
    ],
)
def test_sides_are_read_as_clinicians_write_them(text: str, expected: int) -> None:
    assert sides(text) == expected


@pytest.mark.parametrize(
    ("asked", "said", "expected"),
    [
        (LEFT, (LEFT, BOTH), 1.0),  # the nearest words that name a side decide
        (LEFT, (0, LEFT), 1.0),
        (LEFT, (RIGHT, LEFT), -1.0),
        (LEFT, (BOTH, 0), 0.5),
        (BOTH, (LEFT, 0), 0.5),
        (LEFT, (0, 0), -0.5),
        (0, (LEFT, 0), -0.5),
        (0, (0, 0), 0.0),
    ],
)
def test_agreement_of_the_code_with_what_is_said(asked: int, said: tuple[int, int], expected: float) -> None:
    assert agreement(asked, said) == expected
