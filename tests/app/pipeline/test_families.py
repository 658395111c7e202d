"""Families of codes that differ in the 7th character."""

from __future__ import annotations

import numpy as np

from app.pipeline.families import Families

NAMES = ["I10", "S72.301", "S72.301A", "S72.301D", "S72.301S", "S72.302A", "S72.302D", "T36.0X1"]


def test_the_first_allowed_code_stands_for_its_family() -> None:
    families = Families(NAMES)
    assert np.flatnonzero(families.representatives(None)).tolist() == [0, 1, 2, 5, 7]
    allowed = np.array([True, False, False, True, True, False, True, False])
    assert np.flatnonzero(families.representatives(allowed)).tolist() == [0, 3, 6]


def test_families_are_numbered_in_the_order_of_their_codes() -> None:
    families = Families(NAMES)
    assert families.of(np.arange(8)).tolist() == [0, 1, 2, 2, 2, 3, 3, 4]
    assert np.flatnonzero(families.all_of(np.array([2, 4]))).tolist() == [2, 3, 4, 7]


def test_members_are_the_allowed_codes_of_the_family_only() -> None:
    families = Families(NAMES)
    assert families.members(3, None).tolist() == [2, 3, 4]
    assert families.members(1, None).tolist() == [1]
    allowed = np.array([True, True, False, True, True, True, True, True])
    assert families.members(3, allowed).tolist() == [3, 4]
