"""The trimester of a code against the one that the note names."""

from __future__ import annotations

from collections.abc import Iterator

from app.edits.case import Case, Finding, listed
from app.edits.details import neighbours
from app.edits.trimesters import IN_TITLE, trimesters_in
from app.pipeline.coding import Caution


def trimesters(case: Case) -> Iterator[Finding]:
    """A code of one trimester where the note names another one, or none."""
    for item in case.codes:
        found = IN_TITLE.search(case.book.stem(item.code).title) if item.code.startswith("O") else None
        if found is None:
            continue
        said = trimesters_in(case.text)
        offered = neighbours(case.book, item.code)
        if found.group(1) in said or not offered:
            continue
        codes = (item.code, *offered)
        if said:
            told = " or ".join(sorted(said))
            fitting = [code for code in offered if any(f"{one} trimester" in case.book.of(code).title for one in said)]
            offered = tuple(dict.fromkeys((*fitting, *offered)))
            where = f": {listed(fitting)}." if fitting else "."
            message = f"{item.code} is of the {found.group(1)} trimester; the note says {told}{where}"
            yield Finding(Caution("trimester-contradicted", message, codes), (item.code,), offered=offered)
        else:
            message = f"The note does not say the trimester of {item.code} ({found.group(1)}); compare {offered[0]}."
            yield Finding(Caution("trimester-not-in-note", message, codes), (item.code,), offered=offered)
