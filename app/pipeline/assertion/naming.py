"""The words of a code's title that name its finding, for comparison with the words of a note by their first letters."""

from __future__ import annotations

import re

from app.pipeline.clauses import tells
from app.pipeline.lexicon import read_lexicon
from app.pipeline.word_sets import BARE_WORDS

STEM = 6  # words agree by their first letters: "thrombosis" and "thrombus", not "stenosis" and "stent"
LEXICON = read_lexicon("assertion")
SOUND, PLACES, LOOKS = (frozenset(LEXICON[name]) for name in ("sound", "places", "looks"))
_CALLED: dict[str, list[str]] = LEXICON["called"]
_WORD = re.compile(r"[a-z]{4,}")
_EMPTY = frozenset({"other", "unspecified", "specified", "elsewhere", "classified", "disease", "disorder", "syndrome"})
_SPECIFIED = re.compile(r"\b(?:without|not|with|due to|following|in)\b.*")
_WITH = re.compile(r"\bwith\b((?:(?!\b(?:without|due to|following|in)\b).)+)")


def stem(word: str) -> str:
    """The first letters of a word, without an ending that changes with its form."""
    return word[:STEM]


_DEGREES = frozenset({"acute", "chronic", "subacute", "recurrent", "current", "mild", "moderate", "severe", "initial"})
_UNTOLD = BARE_WORDS.union(PLACES, _EMPTY, _DEGREES)
_BARE = frozenset(map(stem, BARE_WORDS.union(PLACES, _EMPTY)))


def naming(title: str) -> frozenset[str]:
    """The stems of the words that name the finding: not where it is, nor what it is with or without.

    "Abdominal aortic aneurysm, without rupture" gives that of aneurysm alone; none where a title says only places.
    What notes call it counts as well: stones are a calculus.
    """
    words = _WORD.findall(_SPECIFIED.sub("", title.lower()))
    called = (name for word in words for name in _CALLED.get(word, ()))
    return frozenset(map(stem, (*words, *called))) - _BARE


def detailing(title: str) -> frozenset[str]:
    """The stems of what a title says its finding comes with: that of hypoglycemia in "diabetes with hypoglycemia"."""
    words = (word for found in _WITH.finditer(title.lower()) for word in _WORD.findall(found[1]))
    return frozenset(stem(word) for word in words if word not in _UNTOLD)


def stems_of(text: str) -> frozenset[str]:
    """The stems of the words of a text, as `naming` and `detailing` give those of a title."""
    return frozenset(map(stem, _WORD.findall(text.lower())))


def is_unsaid(words: list[str]) -> bool:
    """Whether words claim no finding: they say that something is well, or only where it is or how it was looked for."""
    text = " ".join(word for word in words if word not in PLACES and word not in LOOKS)
    return not SOUND.isdisjoint(words) or not tells(text, (0, len(text)))
