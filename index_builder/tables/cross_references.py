"""The alphabetic index's "see" lines: "Cholelithiasis, see Calculus, gallbladder" has no code, its target has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_MODIFIERS = re.compile(r"\([^()]*\)")
_BLANKS = re.compile(r"\s+")
_LINK = re.compile(r"(with|without|due to|in|by|from|of)\s+(.+)")


@dataclass(slots=True)
class _Line:
    code: str = ""
    under: dict[str, _Line] = field(default_factory=dict)


class IndexTree:
    """The lines of the index by the words that a reference names them with."""

    def __init__(self) -> None:
        self._root = _Line()

    def add(self, path: Sequence[str], code: str) -> None:
        """A line: its term and those above it, the main term first, as the index writes them."""
        line = self._root
        for term in path:
            line = line.under.setdefault(_key(term), _Line())
        line.code = line.code or code

    def code_of(self, reference: str) -> str:
        """The code of the line that "Calculus, gallbladder, with cholecystitis" names; "" where none is told apart.

        A segment is a whole line, the first of a line's alternatives ("Infarct" of "Infarct, infarction") where no
        sibling shares it, or a connector with what stands under it.
        """
        line: _Line | None = self._root
        segments = [_key(segment) for segment in reference.split(",")]
        while segments and line is not None:
            line, segments = _step(line, segments)
        return line.code if line is not None else ""


def _step(line: _Line, segments: list[str]) -> tuple[_Line | None, list[str]]:
    for end in range(len(segments), 0, -1):  # a line's own words may hold commas: "Fracture, traumatic"
        if found := line.under.get(", ".join(segments[:end])):
            return found, segments[end:]
    first = [under for key, under in line.under.items() if key.partition(",")[0] == segments[0]]
    if len(first) == 1:
        return first[0], segments[1:]
    linked = _LINK.fullmatch(segments[0])
    if linked and (connector := line.under.get(linked[1])):
        return connector, [linked[2], *segments[1:]]
    return None, []


def _key(term: str) -> str:
    return _BLANKS.sub(" ", _MODIFIERS.sub(" ", term)).strip().casefold()
