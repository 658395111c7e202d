"""The side of a code against the side that the note names."""

from __future__ import annotations

from collections.abc import Iterator

from app.edits.case import Case, Finding
from app.edits.details import SIDES, mirrored, neighbours, side_of
from app.edits.facts import RuleBook
from app.edits.sides import sides_in
from app.pipeline.coding import Caution


def laterality(case: Case) -> Iterator[Finding]:
    """A code of one side where the note names the other one, or none.

    What the sentences of the evidence say comes first; where they name no side, the note as a whole is asked.
    """
    for item in case.codes:
        side = side_of(case.book, item.code)
        if side is None:
            continue
        said = sides_in(case.around(item)) or case.sides
        if side in said:
            continue
        offered = neighbours(case.book, item.code)
        if said:
            other = _other_side(case.book, item.code, offered)
            message = f"{item.code} is of the {side} side; the note says {SIDES[side]}" + (
                f": {other}." if other else "."
            )
            offered = tuple(dict.fromkeys([*([other] if other else []), *offered]))
            yield Finding(Caution("side-contradicted", message, (item.code, *offered)), (item.code,), offered=offered)
        else:
            message = f"The note does not say the side of {item.code} ({side}); compare {offered[0]}."
            yield Finding(Caution("side-not-in-note", message, (item.code, *offered)), (item.code,), offered=offered)


def _other_side(book: RuleBook, code: str, offered: tuple[str, ...]) -> str | None:
    mirror = mirrored(book.stem(code).title)
    return next((other for other in offered if book.stem(other).title.lower() == mirror), None)
