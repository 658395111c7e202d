"""Notes of a tabular list as surface forms: "Asthma NOS" -> "Asthma", "... virus [HIV] disease" -> "HIV disease"."""

from __future__ import annotations

import re

from index_builder.tables.term import clean, is_everyday

LONGEST = 120
_NOT_A_TERM = re.compile(
    r"classif|the following|listed|any condition|further specification|\bcodes?\b|:|\b[A-TV-Z]\d[\dA-Z]\b|same as",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"\s*[\[(]([A-Z][A-Za-z]{0,4}[A-Z])[\])]")
_BREAK = re.compile(r"\s*/?\s*[\t\n]+\s*")


def tidy(title: str) -> str:
    """A title as a wording: stray tabs and their slashes become "or", NOS and doubled blanks go."""
    text = re.sub(r"\s*\bNOS\b", "", _BREAK.sub(" or ", title))
    return re.sub(r" {2,}", " ", text).strip()


def plain_term(note: str) -> str | None:
    """The wording of an inclusion or includes note, or None where the note is an instruction."""
    if _NOT_A_TERM.search(note):
        return None
    text = clean(note)
    return text if 2 < len(text) <= LONGEST and not is_everyday(text) else None


def abbreviated(text: str) -> str | None:
    """The wording with the words that a bracketed abbreviation spells replaced by it; None where it spells none."""
    match = _ABBREVIATION.search(text)
    if match is None:
        return None
    letters = list(match[1].casefold())
    words = text[: match.start()].split()
    if [word[0].casefold() for word in words[-len(letters) :]] != letters:
        return None
    short = " ".join([*words[: -len(letters)], match[1]]) + text[match.end() :]
    return None if is_everyday(clean(short)) else clean(short) or None
