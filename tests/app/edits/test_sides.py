"""Sides of the body as notes write them, and what looks like one."""

from __future__ import annotations

import pytest

from app.edits.sides import BOTH, sides_in


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("Right knee", {"right"}),
        ("pain of the left-sided chest wall", {"left"}),
        ("edema b/l", BOTH),
        ("both knees", BOTH),
        ("R hip and L. knee", BOTH),
        ("LLE swelling", {"left"}),
        ("OD 20/40", {"right"}),
        ("cataract OU", BOTH),
        ("lle od os are no abbreviations in lower case", set()),
        ("2 L nasal cannula, then 2.5 L oxygen", set()),
        ("spondylosis at L4-L5, R/O fracture", set()),
        ("he left the ED, left AMA, right away", set()),
        ("left ventricular hypertrophy, RUQ tenderness", set()),
        ("bright light", set()),
    ],
)
def test_sides(text: str, sides: set[str]) -> None:
    assert sides_in(text) == sides
