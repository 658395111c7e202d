"""What a training text is made of: words encoded alone, or words read inside a longer text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inside:
    """The words [start, end), in code points, of a context: encoded with all of it, pooled over their own tokens."""

    context: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.context[self.start : self.end]


Piece = str | Inside
Text = tuple[Piece, ...]  # pieces that are encoded apart and pooled together


def fold(text: Text) -> str:
    """The words of a text for comparisons: without its context, in lower case."""
    return " ".join(map(str, text)).casefold()
