"""Trimesters as notes write them, and weeks that are none of a pregnancy."""

from __future__ import annotations

import pytest

from app.edits.trimesters import trimester_of, trimesters_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("third-trimester bleeding", {"third"}),
        ("1st trimester screen", {"first"}),
        ("9 weeks pregnant", {"first"}),
        ("at 27 6/7 weeks gestation", {"second"}),
        ("IUP at 28 weeks", {"third"}),
        ("G2P1 at 32w3d", {"third"}),
        ("EGA: 16", {"second"}),
        ("6 weeks status post fracture, return in 2 weeks", set()),
        ("not pregnant, 3 cm mass", set()),
    ],
)
def test_trimesters(text: str, found: set[str]) -> None:
    assert trimesters_in(text) == found


def test_bounds() -> None:
    assert [trimester_of(weeks) for weeks in (13, 14, 27, 28)] == ["first", "second", "second", "third"]
