"""The words of a code's title that name its finding, for comparison with the words of a note by their first letters."""

from __future__ import annotations

import re

from app.pipeline.clauses import BARE_WORDS, tells
from app.pipeline.lexicon import read_lexicon

STEM = 6  # words agree by their first letters: "thrombosis" and "thrombus", not "stenosis" and "stent"
LEXICON = read_lexicon("assertion")
SOUND, PLACES = frozenset(LEXICON["sound"]), frozenset(LEXICON["places"])
_WORD = re.compile(r"[a-z]{4,}")
_EMPTY = frozenset({"other", "unspecified", "specified", "elsewhere", "classified", "disease", "disorder", "syndrome"})
_SPECIFIED = re.compile(r"\b(?:without|not|with|due to|following|in)\b.*")


def stem(word: str) -> str:
    """The first letters of a word, without an ending that changes with its form."""
    return word[:STEM]


_BARE = frozenset(map(stem, BARE_WORDS.union(PLACES, _EMPTY)))


def naming(title: str) -> frozenset[str]:
    """The stems of the words that name the finding: not where it is, nor what it is with or without.

    "Abdominal aortic aneurysm, without rupture" gives that of aneurysm alone; none where a title says only places.
    """
    return frozenset(stem(word) for word in _WORD.findall(_SPECIFIED.sub("", title.lower()))) - _BARE


def is_unsaid(words: list[str]) -> bool:
    """Whether words claim no finding: they say that something is well, or only where it is."""
    text = " ".join(word for word in words if word not in PLACES)
    return not SOUND.isdisjoint(words) or not tells(text, (0, len(text)))
