"""Two codes for one condition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from app.edits.case import Case, Finding, listed
from app.edits.details import left_open, lexicon, mirrored, open_detail, told_words, words_of
from app.edits.facts import RuleBook
from app.edits.rules.excludes1 import forbidden
from app.pipeline.coding import Caution

_PLAIN = re.compile(r"\bwithout (?:mention of )?complications?\b|\buncomplicated\b")


def duplicates(case: Case) -> Iterator[Finding]:
    """A code beside those that say the same and more, or the two sides of what has a code for both."""
    fuller: dict[tuple[str, str], list[str]] = {}  # by the code that says less, and how it does
    for one, other in combinations(case.names, 2):
        found = _repeated(case.book, one, other)
        if found is not None and not forbidden(case.book, one, other):  # else the exclusion says it
            less, why, more = found
            fuller.setdefault((less, why), []).append(more)
        elif (both := _both_sides(case.book, one, other)) is not None:
            message = f"{one} and {other} are the two sides of one condition: {both} is the code of both."
            yield Finding(Caution("duplicate", message, (one, other, both)), (one, other), True, (both,))
    for (less, why), those in fuller.items():
        message = f"{less} {why} {listed(those)}: leave {less} out if it is the same condition."
        if all(case.book.of(code).title.startswith("Other ") for code in those):  # something is known, not what
            message = f"{less} {why} {listed(those)}: report one of them."
        yield Finding(Caution("duplicate", message, (less, *those)), on=(less, *those), overall=True)


def _repeated(book: RuleBook, one: str, other: str) -> tuple[str, str, str] | None:
    """The code that says less, how it does, and the other one."""
    for less, more in ((one, other), (other, one)):
        if why := _says_less(book, less, more):
            return less, why, more
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
    if left_open(one.title) <= left_open(other.title):
        return None
    beside = [book.of(code).title for code in book.siblings(one.code)]
    above = one.parent in book.above(other.code) and open_detail(one.title, beside) is not None
    if above or told_words(one.title) <= words_of(other.title):
        return "is the unspecified code beside"
    return None


def _both_sides(book: RuleBook, one: str, other: str) -> str | None:
    """The billable code of both sides, where these are the right and the left one."""
    if one[:3] != other[:3]:
        return None
    first, second = book.stem(one), book.stem(other)
    if mirrored(first.title) != second.title.lower() or first.parent != second.parent:
        return None
    codes = book.siblings(first.code)
    found = next((code for code in codes if "bilateral" in words_of(book.of(code).title)), None)
    return found if found is not None and book.of(found).billable else None
