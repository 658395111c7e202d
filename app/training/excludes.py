"""Excludes1 partners: codes that the tabular list forbids together, read out of its notes' references.

Two codes that exclude each other are near in meaning and both wrong for the other's words: hard negatives that no
model has to be asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from index_builder.codesets.protocol import Code

WIDEST = 400  # codes; a reference to whole chapters says nothing about likeness
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_CODE = r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?"
_REFERENCE = re.compile(rf"\b({_CODE})(?:\.?-\s*({_CODE}))?(?:\.?-)?(?![0-9A-Za-z])")
_ENDING = re.compile(r"\bwith\b[^.,;]*\.([0-9A-Z]{1,4})")


@dataclass(frozen=True, slots=True)
class Reference:
    """A code or a range of codes, with all that begin with them; only those with this ending after the dot if any."""

    first: str
    last: str
    ending: str = ""

    def resolve(self, names: Sequence[str]) -> list[str]:
        """The codes meant, of sorted names."""
        found = names[bisect_left(names, self.first) : bisect_right(names, self.last + "\uffff")]
        return [name for name in found if name[3:].startswith(f".{self.ending}")] if self.ending else list(found)


def references(note: str) -> list[Reference]:
    """The code references in the brackets of a note: (J12.1), (C46.5-), (E13.-), (E00-E02), (E08-E13 with .44)."""
    return [reference for inner in _BRACKETS.findall(note) for reference in _within(inner)]


def _within(inner: str) -> Iterator[Reference]:
    ending = _ending.group(1) if (_ending := _ENDING.search(inner)) else ""
    for match in _REFERENCE.finditer(inner):
        first, last = match.group(1), match.group(2) or match.group(1)
        if first <= last:
            yield Reference(first, last, ending if "." not in first else "")


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
