"""The order in which a catalog holds its codes."""

from __future__ import annotations

from typing import Final

_FULL_LENGTH: Final = 7
_PLAIN: Final = "Z"


def place(name: str) -> tuple[str, bool, str]:
    """Sorts by name, but of codes that differ in their 7th character alone Z comes first.

    The first of such a family stands for it in the search and is answered where the note says no more
    (docs/decisions/0007). In ICD-10-PCS Z is "no qualifier", and X, "diagnostic", would come before it; no code of
    ICD-10-CM ends in Z at the 7th character.
    """
    full = len(name.replace(".", "")) == _FULL_LENGTH
    return (name[:-1], name[-1] != _PLAIN, name) if full else (name, False, name)
