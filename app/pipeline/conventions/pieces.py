"""Pieces of a sentence, and phrases of a lexicon as one pattern, for rules that look for plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_CUT = re.compile(r"[,;]|\b(?:but|while|and then)\b")
_NAME = re.compile(r"@([a-z]+)")
_LITERAL = re.compile(r"[a-z](?![?*{|])", re.IGNORECASE)
NOTHING = re.compile(r"(?!)")  # of no phrases


def around(text: str, found: re.Match[str]) -> str:
    """The piece of a sentence, between commas, that a match stands in."""
    before = [cut.end() for cut in _CUT.finditer(text, 0, found.start())]
    after = _CUT.search(text, found.end())
    return text[before[-1] if before else 0 : after.start() if after else len(text)]


def any_of(phrases: Sequence[str], words: Mapping[str, str] | None = None) -> re.Pattern[str]:
    """Finds any of some phrases, regular expressions in any case, as whole words.

    words: what the names of `@name` in the phrases stand for. Raises KeyError for a name without words.
    """
    if not phrases:
        return NOTHING
    choice = "|".join(_by_letter(phrases))
    if words:
        choice = _NAME.sub(lambda name: words[name[1]], choice)
    return re.compile(rf"(?<!\w)(?:{choice})(?!\w)", re.IGNORECASE)


def _by_letter(phrases: Sequence[str]) -> list[str]:
    """The phrases with those of one first letter behind a look at it: most words begin with another."""
    letters: dict[str, list[str]] = {}
    for phrase in phrases:
        letters.setdefault(phrase[0].lower() if _LITERAL.match(phrase) else "", []).append(phrase)
    others = letters.pop("", [])
    return [*(f"(?={letter})(?:{'|'.join(those)})" for letter, those in letters.items()), *others]
