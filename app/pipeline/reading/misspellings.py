"""A misspelled word as the clinical word one edit away: a letter too many, missing or wrong, or two swapped."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from app.pipeline.reading.edited import Edit

SHORTEST = 6
MOST_UNKNOWN = 300  # distinct words of a note
_LONGEST = 24
_WORD = re.compile(rf"(?<![\w'-])[a-z]{{{SHORTEST},{_LONGEST}}}(?![\w'-])", re.IGNORECASE)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """known: words that are right; terms: those that name what is coded, by how often the tables say them."""

    known: frozenset[str]
    terms: Mapping[str, int]


@cache
def vocabulary() -> Vocabulary:
    """The shipped words, read once: lines `word` and `word<TAB>count` (index_builder/tables/compile_vocabulary.py)."""
    packed = files("index_builder.tables").joinpath("vocabulary.txt.gz").read_bytes()
    rows = [line.split("\t") for line in gzip.decompress(packed).decode("ascii").splitlines()]
    return Vocabulary(frozenset(row[0] for row in rows), {row[0]: int(row[1]) for row in rows if len(row) == 2})


class Speller:
    """Corrects the words of one note. After MOST_UNKNOWN it stops: a text of so many strange words is no English."""

    def __init__(self) -> None:
        self._corrected: dict[str, str | None] = {}

    def corrections(self, text: str, start: int, end: int) -> Iterator[Edit]:
        """The misspelled words of the sentence text[start:end]. A capital within a sentence makes a name of a word."""
        known = vocabulary().known
        for found in _WORD.finditer(text, start, end):
            word = found.group()
            lower = word.lower()
            if lower in known or not (word == lower or word.isupper() or found.start() == start):
                continue
            right = self._right(lower)
            if right is not None:
                yield Edit(*found.span(), right.upper() if word.isupper() else right)

    def _right(self, word: str) -> str | None:
        if word not in self._corrected and len(self._corrected) < MOST_UNKNOWN:
            self._corrected[word] = corrected(word)
        return self._corrected.get(word)


def corrected(word: str) -> str | None:
    """The term one edit away from an unknown word in small letters; of several the one that the tables say most.

    The first letter is taken for right: it rarely is wrong, and most names that look like terms differ in it.
    """
    terms = vocabulary().terms
    found = {other for other in _neighbours(word) if other in terms}
    return max(found, key=lambda other: (terms[other], other)) if found else None


def _neighbours(word: str) -> Iterator[str]:
    for at in range(1, len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            yield head + tail[1:]
            for letter in _LETTERS:
                yield head + letter + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
