"""A text with some stretches replaced, and the way between both texts by offsets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edit:
    """source[start:end] reads as `new`, which may be empty."""

    start: int
    end: int
    new: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Edited:
    """A source text and the text that is read in its place. The edits do not overlap and stand in rising order."""

    source: str = field(repr=False)
    text: str = field(repr=False)
    _old: tuple[Span, ...] = field(repr=False)
    _new: tuple[Span, ...] = field(repr=False)

    @classmethod
    def of(cls, source: str, edits: Iterable[Edit]) -> Edited:
        """Replace the stretches of the edits."""
        parts: list[str] = []
        old: list[Span] = []
        new: list[Span] = []
        before = length = 0
        for edit in edits:
            if old and not edit.new and edit.start == before and new[-1][0] == new[-1][1]:
                old[-1] = (old[-1][0], edit.end)  # what is left out side by side is one stretch
                before = edit.end
                continue
            parts += (source[before : edit.start], edit.new)
            begin = length + edit.start - before
            length = begin + len(edit.new)
            old.append((edit.start, edit.end))
            new.append((begin, length))
            before = edit.end
        return cls(source, "".join([*parts, source[before:]]), tuple(old), tuple(new))

    def back(self, start: int, end: int) -> Span:
        """The stretch of the source that text[start:end] stands for; a replaced stretch is taken whole."""
        return _across(self._new, self._old, start, end)

    def forward(self, start: int, end: int) -> Span:
        """The stretch of the text that stands for source[start:end]; a replacement is taken whole."""
        return _across(self._old, self._new, start, end)


def _across(here: tuple[Span, ...], there: tuple[Span, ...], start: int, end: int) -> Span:
    """The first and the last character of a stretch on the other side; an empty stretch stays empty."""
    begin = _place(here, there, start, 0)
    return begin, max(begin, _place(here, there, end, 1)) if end > start else begin


def _place(here: tuple[Span, ...], there: tuple[Span, ...], offset: int, side: int) -> int:
    """side: 0 for the first character of a stretch, 1 for the end of one, whose last character decides."""
    at = bisect_right(here, offset - side, key=_start) - 1
    if at < 0:
        return offset
    if offset - side < here[at][1]:
        return there[at][side]
    return there[at][1] + offset - here[at][1]


def _start(span: Span) -> int:
    return span[0]
