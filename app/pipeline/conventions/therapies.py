"""Long-term drugs: a medication list says "metformin 1000 mg BID", and the coder of a type 2 diabetes reports Z79.84.

A list of drugs names no diagnosis, so the search finds such codes late. Where the condition that a drug is taken for is
answered and the note gives the patient the drug, the code of its long-term use is reported, as probable as the
condition (docs/decisions/0036). Some drugs are nearly always taken for long: those are reported without a condition
too, as probable as the lexicon says. A drug that is denied, stopped or only thought of says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, Evidence
from app.pipeline.conventions.answering import Answering, Prefixes, literal, worth
from app.pipeline.conventions.pieces import any_of, around
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented, Sentence

RULE = "therapy"
_BULLET = re.compile(r"[\W_\d]*")  # what may stand before the word that opens a list: "Stopped: metformin, glipizide"


@dataclass(frozen=True, slots=True)
class Therapy:
    """code: long-term use of a drug that `drugs` finds, in an answer that has one of `conditions`.

    unless:  what takes a drug back when it stands in the same piece of the sentence, or opens the sentence
    without: codes of the answer that make the row void
    alone:   probability where no condition is answered; None: it is not reported then
    """

    code: str
    conditions: Prefixes
    drugs: re.Pattern[str]
    unless: re.Pattern[str]
    without: Prefixes
    alone: float | None
    because: str


@cache
def therapies() -> tuple[Therapy, ...]:
    """The rows of the lexicon, in its order."""
    lexicon = read_lexicon("therapies")
    return tuple(
        Therapy(
            row["code"],
            tuple(row["for"]),
            any_of(row["drugs"]),
            any_of([*lexicon["stopped"], *row["unless"]]),
            tuple(row.get("without", ())),
            row.get("alone"),
            row["because"],
        )
        for row in lexicon["therapies"]
    )


def report_therapies(answer: Answering, note: Segmented, reader: AssertionReader) -> None:
    """Report the long-term use of drugs that the note gives, for conditions of the answer or taken for long anyway."""
    lines = [sentence for sentence in note.sentences if _any_drug().search(note.text_of(sentence))]
    for therapy in therapies():
        condition = answer.best(therapy.conditions)
        if (condition is None and therapy.alone is None) or answer.best(therapy.without):
            continue
        if (taken := _taken(therapy, lines, note, reader)) is None:
            continue
        least = max(therapy.alone or 0.0, 0.0 if condition is None else worth(condition))
        named = (condition.code,) if condition else ()
        purpose = f"a drug for {condition.code}" if condition else "a drug that is taken for long"
        told = f"{therapy.code}: the note gives {purpose} ({therapy.because})."
        answer.report(therapy.code, least, [[taken]], Caution(RULE, told, named))


def _taken(therapy: Therapy, lines: Sequence[Sentence], note: Segmented, reader: AssertionReader) -> Evidence | None:
    """The first place where the note gives the patient a drug of the therapy."""
    for sentence in lines:
        text = note.text_of(sentence)
        opened = _BULLET.match(text)
        if therapy.unless.match(text, opened.end() if opened else 0):
            continue
        for found in therapy.drugs.finditer(text):
            if therapy.unless.search(around(text, found)):
                continue
            words = literal(note, sentence, found)
            if reader.assess(words.document, words.start, words.end) is Assertion.PRESENT:
                return words
    return None


@cache
def _any_drug() -> re.Pattern[str]:
    """Finds a drug of any row: most sentences have none."""
    return any_of([drug for row in read_lexicon("therapies")["therapies"] for drug in row["drugs"]])
