"""Two codes that the tabular list forbids together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from app.edits.case import Case, Finding
from app.edits.facts import RuleBook
from app.pipeline.coding import Caution


def excludes1(case: Case) -> Iterator[Finding]:
    """An Excludes1 note of either code, or of what it stands under, names the other one.

    Guideline I.A.12.a lets both stand where the two conditions have nothing to do with each other.
    """
    for one, other in combinations(case.names, 2):
        at = forbidden_at(case.book, one, other)
        if at is not None:
            message = f"{one} and {other} exclude each other (Excludes1 at {at}): report both only if unrelated."
            yield Finding(Caution("excludes1", message, (one, other)), on=(one, other), overall=True)


def forbidden_at(book: RuleBook, one: str, other: str) -> str | None:
    """Where the note stands that forbids two codes together; None where none does."""
    if one.startswith(other) or other.startswith(one):
        return None
    notes = ((book.of(one).excludes1, other), (book.of(other).excludes1, one))
    return next((note.at for of_one, code in notes for note in of_one if note.covers(code)), None)
