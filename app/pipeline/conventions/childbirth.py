"""Complications at a delivery: "GDMA1, delivered a viable female infant" is O24.420, in childbirth, not in pregnancy.

Where the delivery is of this encounter the code "in childbirth" is assigned in place of those of a trimester (Official
Guidelines I.C.15.a.3). Which code that is, titles say: they differ in nothing but the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, CodedItem, Evidence
from app.pipeline.conventions.answering import Answering, worth
from app.pipeline.conventions.newborns import is_newborn_chart
from app.pipeline.conventions.pieces import any_of
from app.pipeline.conventions.saying import sayings
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

RULE = "childbirth"
PUERPERIUM = "puerperium"  # in the titles of codes of the time after


@dataclass(frozen=True, slots=True)
class Childbirth:
    """codes: of pregnancy and puerperium -> that of the same complication in childbirth; words as in the lexicon."""

    codes: Mapping[str, str]
    delivered: re.Pattern[str]
    elsewhere: re.Pattern[str]
    after: re.Pattern[str]
    afterwards: re.Pattern[str]
    because: str


@cache
def childbirth() -> Childbirth:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("childbirth")
    return Childbirth(
        {other: code for code, others in lexicon["codes"].items() for other in others},
        any_of(lexicon["delivered"]),
        any_of(lexicon["elsewhere"]),
        any_of(lexicon["after"]),
        any_of(lexicon["afterwards"]),
        lexicon["because"],
    )


def report_childbirth(answer: Answering, note: Segmented, reader: AssertionReader, age_years: float | None) -> None:
    """Report complications at a delivery as those of childbirth; the codes of another time step back."""
    rules = childbirth()
    timed = [item for item in answer.items.values() if item.code in rules.codes and worth(item) >= answer.floor]
    if not timed or (words := delivery(note, reader)) is None or is_newborn_chart(note, age_years):
        return
    for item in timed:
        if PUERPERIUM in item.display and _afterwards(item, note):
            continue
        code = rules.codes[item.code]
        told = Caution(RULE, f"{code}: the note tells of the delivery ({rules.because}).", (item.code,))
        probability = answer.report(code, worth(item), [item.evidence, [words]], told)
        if probability is not None:
            why = Caution(RULE, f"{item.code} is reported as {code} ({rules.because}).", (code,))
            answer.lessen(item, probability, why)


def delivery(note: Segmented, reader: AssertionReader) -> Evidence | None:
    """The first words that tell of a delivery in this encounter."""
    rules = childbirth()
    if any(rules.after.search(document.text) for document in note.note.documents):
        return None
    for sentence, words in sayings(rules.delivered, note, reader):
        if words.assertion is Assertion.PRESENT and not rules.elsewhere.search(note.text_of(sentence)):
            return words
    return None


def _afterwards(item: CodedItem, note: Segmented) -> bool:
    """Whether the words of a complication of the puerperium stand in a sentence about the time after."""
    return any(
        sentence.document == evidence.document
        and sentence.start <= evidence.start < sentence.end
        and childbirth().afterwards.search(note.text_of(sentence))
        for evidence in item.evidence
        for sentence in note.sentences
    )
