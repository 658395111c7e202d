"""Excludes1 partners: codes that the tabular list forbids together, read out of its notes' references.

Two codes that exclude each other are near in meaning and both wrong for the other's words: hard negatives that no
model has to be asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from index_builder.codesets.protocol import Code
from index_builder.references import references

WIDEST = 400  # codes; a reference to whole chapters says nothing about likeness


def excludes1(codes: Iterable[Code], widest: int = WIDEST) -> dict[str, tuple[str, ...]]:
    """For each code with any: the codes that its own Excludes1 notes, or those of what it stands under, refer to.

    Its own descendants and ancestors are no partners, nor is a reference to more than `widest` codes.
    """
    listed = list(codes)
    names = sorted(code.code for code in listed)
    partners: dict[str, tuple[str, ...]] = {}
    for code in sorted(listed, key=lambda c: len(c.code)):  # what a code stands under comes before it
        own = {
            name
            for note in code.notes.get("excludes1", ())
            for reference in references(note)
            for name in _few(reference.resolve(names), widest)
        }
        inherited = partners.get(code.parent or "", ())
        found = tuple(sorted(own.union(inherited))) if own else inherited
        related = {name for name in found if name.startswith(code.code) or code.code.startswith(name)}
        partners[code.code] = tuple(name for name in found if name not in related) if related else found
    return {code: found for code, found in partners.items() if found}


def _few(found: list[str], widest: int) -> list[str]:
    return found if len(found) <= widest else []
