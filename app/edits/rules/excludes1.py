"""Codes that the tabular list forbids together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from app.edits.case import Case, Finding, listed
from app.edits.facts import RuleBook
from app.pipeline.coding import Caution


def excludes1(case: Case) -> Iterator[Finding]:
    """An Excludes1 note of a code, or of what it stands under, names another one; one warning for all of a note.

    Guideline I.A.12.a lets both stand where the two conditions have nothing to do with each other.
    """
    holders: dict[tuple[str, str], list[str]] = {}  # the codes under a note, by its place and the code it names
    for holder, other in permutations(case.names, 2):
        at = _forbids(case.book, holder, other)
        if at is not None and holder not in holders.get((at, other), ()):
            holders.setdefault((at, other), []).append(holder)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (at, other), those in holders.items():
        alike.setdefault((at, tuple(those)), []).append(other)
    said: set[frozenset[str]] = set()
    for (at, under), others in alike.items():
        codes = (*under, *others)
        if frozenset(codes) in said:  # both sides have a note
            continue
        said.add(frozenset(codes))
        pair = f"{listed(under)} and {listed(others)}"
        message = f"{pair} exclude each other (Excludes1 at {at}): report both only if unrelated."
        yield Finding(Caution("excludes1", message, codes), on=codes, overall=True)


def forbidden(book: RuleBook, one: str, other: str) -> bool:
    """Whether a note forbids two codes together."""
    return _forbids(book, one, other) is not None or _forbids(book, other, one) is not None


def _forbids(book: RuleBook, holder: str, other: str) -> str | None:
    """Where the note stands that forbids `other` beside `holder`; None where none does."""
    if holder.startswith(other) or other.startswith(holder):
        return None
    return next((note.at for note in book.of(holder).excludes1 if note.covers(other)), None)
