"""The outcome of a delivery, which stands in every mother's record of one (Official Guidelines I.C.15.b.5).

"Delivered a viable female infant" names no finding; the search finds Z37.- late. A newborn's chart has other codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Caution
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.childbirth import delivery
from app.pipeline.conventions.newborns import is_newborn_chart, mothers_words
from app.pipeline.conventions.pieces import any_of
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

RULE = "outcome-of-delivery"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """codes: by (twins, stillborn), without the pairs that words do not settle; least: words of a mother's chart."""

    codes: Mapping[tuple[bool, bool], str]
    twins: re.Pattern[str]
    more: re.Pattern[str]
    stillborn: re.Pattern[str]
    category: str
    least: int
    probability: float
    because: str


@cache
def outcomes() -> Outcomes:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("outcome")
    return Outcomes(
        {
            (False, False): lexicon["single"],
            (False, True): lexicon["single_stillborn"],
            (True, False): lexicon["twins"],
        },
        any_of(lexicon["of_twins"]),
        any_of(lexicon["of_more"]),
        any_of(lexicon["of_stillborn"]),
        lexicon["category"],
        lexicon["least"],
        lexicon["probability"],
        lexicon["because"],
    )


def report_outcome(answer: Answering, note: Segmented, reader: AssertionReader, age_years: float | None) -> None:
    """Report the outcome where a mother's note tells of the delivery and no code for it is answered."""
    rules = outcomes()
    if answer.best((rules.category,)) or mothers_words(note) < rules.least or is_newborn_chart(note, age_years):
        return
    texts = [document.text for document in note.note.documents]

    def told(pattern: re.Pattern[str]) -> bool:
        return any(pattern.search(text) for text in texts)

    code = None if told(rules.more) else rules.codes.get((told(rules.twins), told(rules.stillborn)))
    if code is None or (words := delivery(note, reader)) is None:
        return
    why = Caution(RULE, f"{code}: the note tells of the delivery ({rules.because}).")
    answer.report(code, rules.probability, [[words]], why)
