"""Two codes for one condition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from app.edits.case import Case, Finding
from app.edits.details import left_open, lexicon, mirrored, open_detail, words_of
from app.edits.facts import RuleBook
from app.edits.rules.excludes1 import forbidden_at
from app.pipeline.coding import Caution

_PLAIN = re.compile(r"\bwithout (?:mention of )?complications?\b|\buncomplicated\b")


def duplicates(case: Case) -> Iterator[Finding]:
    """A code beside one that says the same and more, or the two sides of what has a code for both."""
    for one, other in combinations(case.names, 2):
        finding = _repeated(case.book, one, other)
        if finding is not None and forbidden_at(case.book, one, other) is None:  # else the exclusion says it
            yield finding


def _repeated(book: RuleBook, one: str, other: str) -> Finding | None:
    for less, more in ((one, other), (other, one)):
        if why := _says_less(book, less, more):
            alone = f"report {more} alone if it is the same condition"
            if book.of(more).title.startswith("Other "):  # says that something is known, not what
                alone = "report one of them"
            message = f"{less} {why} {more}: {alone}."
            return Finding(Caution("duplicate", message, (less, more)), on=(less, more), overall=True)
    if one[:3] == other[:3] and (both := _both_sides(book, one, other)):
        message = f"{one} and {other} are the two sides of one condition: {both} is the code of both."
        return Finding(Caution("duplicate", message, (one, other, both)), (one, other), True, (both,))
    return None


def _says_less(book: RuleBook, less: str, more: str) -> str | None:
    """How `less` repeats `more`; None where it does not."""
    _, specific = lexicon().queries.get(less, ("", ()))
    if more[:3] in {code[:3] for code in specific} and (more[:3] != less[:3] or more in specific):
        return "is the unspecified code beside"
    if less[:3] != more[:3]:
        return None
    one, other = book.stem(less), book.stem(more)
    if one.code == other.code:
        return "tells another episode of" if less < more else None
    if one.code in book.above(other.code):
        return "is the header of"
    if _PLAIN.search(one.title.lower()) and not _PLAIN.search(other.title.lower()):
        return "(without complication) does not go with"
    if one.parent is None or one.parent not in book.above(other.code) or left_open(one.title) <= left_open(other.title):
        return None
    beside = [book.of(code).title for code in book.siblings(one.code)]
    return "is the unspecified code beside" if open_detail(one.title, beside) is not None else None


def _both_sides(book: RuleBook, one: str, other: str) -> str | None:
    """The billable code of both sides, where these are the right and the left one."""
    first, second = book.stem(one), book.stem(other)
    if mirrored(first.title) != second.title.lower() or first.parent != second.parent:
        return None
    codes = book.siblings(first.code)
    found = next((code for code in codes if "bilateral" in words_of(book.of(code).title)), None)
    return found if found is not None and book.of(found).billable else None
