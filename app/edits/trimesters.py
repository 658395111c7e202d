"""Which trimesters a stretch of a note names, by name or by weeks of gestation."""

from __future__ import annotations

import re

_ORDINALS = {"first": "first", "1st": "first", "second": "second", "2nd": "second", "third": "third", "3rd": "third"}
_NAMED = re.compile(rf"\b({'|'.join(_ORDINALS)})[ -]trimester\b", re.IGNORECASE)
_WEEKS = re.compile(
    r"\b(\d{1,2})(?:[ -]+\d/7)?[ -]?(?:weeks?|wks?)'?[ -](?:\d days? )?"
    r"(?:pregnant|gestation\w*|ega|ga|iup|intrauterine|of pregnancy)"
    r"|\b(?:pregnant|gestation|gestational age|iup|ega|ga|intrauterine pregnancy)"
    r"(?: (?:at|of|is))?[: ]+(\d{1,2})\b(?! mm)"
    r"|\b(\d{1,2})w[0-6]d\b",
    re.IGNORECASE,
)
IN_TITLE = re.compile(r"\b(first|second|third) trimester\b")


def trimesters_in(text: str) -> frozenset[str]:
    """ "first", "second", "third": less than 14 weeks, less than 28 weeks, and from then on (guideline I.C.15.a.3)."""
    named = {_ORDINALS[word.lower()] for word in _NAMED.findall(text)}
    weeks = (int(next(filter(None, groups))) for groups in _WEEKS.findall(text))
    return frozenset(named | {trimester_of(week) for week in weeks if 4 <= week <= 43})


def trimester_of(weeks: int) -> str:
    """The trimester of so many completed weeks."""
    return "first" if weeks < 14 else "second" if weeks < 28 else "third"
