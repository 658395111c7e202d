"""Whether a chart is that of a newborn, and not of the mother: its weeks are those of birth, not of a pregnancy."""

from __future__ import annotations

import re
from functools import cache

from app.pipeline.conventions.pieces import any_of
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

LEAST = 2  # words of a newborn's chart: one of them stands in a mother's too
OLDEST = 1.0  # years of age at which nobody has a newborn's chart


def is_newborn_chart(note: Segmented, age_years: float | None) -> bool:
    """Whether the note is that of a newborn: it has several words of such charts, and more than of a mother's."""
    if age_years is not None and age_years >= OLDEST:
        return False
    newborn, _, older = _words()
    told = [document.text for document in note.note.documents]
    children = {found[0].lower() for text in told for found in newborn.finditer(text)}
    if len(children) < LEAST:
        return False
    if any(older.search(text) for text in told):
        return False
    return len(children) > mothers_words(note)


def mothers_words(note: Segmented) -> int:
    """How many words of a mother's chart the note has, each counted once."""
    _, mother, _ = _words()
    return len({found[0].lower() for document in note.note.documents for found in mother.finditer(document.text)})


@cache
def _words() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Words of a newborn's chart, of a mother's, and the age of someone else who is older."""
    lexicon = read_lexicon("newborns")
    return any_of(lexicon["chart"]), any_of(lexicon["mother"]), re.compile(lexicon["older"], re.IGNORECASE)
