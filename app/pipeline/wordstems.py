"""The telling words of a text by their first letters: how wordings and notes are compared letter by letter."""

from __future__ import annotations

import re

from app.pipeline.word_sets import STOP_WORDS

_WORD = re.compile(r"[^\W_]+")
_STEM = 6  # words agree by their first letters: "fractured" and "fracture"


def stems(text: str) -> frozenset[str]:
    """The words that are no stop words, case-folded, six letters of each."""
    found = (word.casefold() for word in _WORD.findall(text))
    return frozenset(word[:_STEM] for word in found if word not in STOP_WORDS)
