"""What a pregnancy makes of other conditions: obesity at 34 weeks is O99.213, with E66.- beside it.

Codes of chapter 15 come first for whatever a pregnant patient has, and what she has is presumed to complicate the
pregnancy (Official Guidelines I.C.15.a). No wording of a note names them: it says "obesity" and, elsewhere, "34w2d".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, CodedItem, Evidence
from app.pipeline.conventions.answering import Answering, Prefixes, worth
from app.pipeline.conventions.childbirth import delivery
from app.pipeline.conventions.gestation import CATEGORY as WEEKS
from app.pipeline.conventions.newborns import is_newborn_chart
from app.pipeline.conventions.pieces import any_of, around
from app.pipeline.conventions.saying import sayings
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

RULE = "pregnancy"
TRIMESTERS = ("first", "second", "third")
CHILDBIRTH = len(TRIMESTERS)  # the place behind the trimesters in `codes`


@dataclass(frozen=True, slots=True)
class Complication:
    """codes: by trimester and in childbirth, "" = none; for conditions that begin like one of `of`, which are not
    reported beside it where `instead`; not beside a code that begins like one of `unless`."""

    of: Prefixes
    codes: Sequence[str]
    instead: bool
    unless: Prefixes


@dataclass(frozen=True, slots=True)
class Stated:
    """codes: by trimester and in childbirth; stated by what `says` finds in a piece without `unless`, in a note where
    `asks` finds something, None = in any; not beside a code that begins like one of `without`."""

    says: re.Pattern[str]
    unless: re.Pattern[str]
    asks: re.Pattern[str] | None
    without: Prefixes
    codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pregnancy:
    """The lexicon: rows; codes of a mother's chart and words of the chart of one who was born; the weeks at which the
    second and the third trimester begin."""

    complications: tuple[Complication, ...]
    stated: tuple[Stated, ...]
    mother: Prefixes
    born: re.Pattern[str]
    begins: tuple[int, ...]
    probability: float
    because: str


@cache
def pregnancy() -> Pregnancy:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("pregnancy")
    return Pregnancy(
        tuple(
            Complication(tuple(row["of"]), row["codes"], row["instead"], tuple(row["unless"]))
            for row in lexicon["conditions"]
        ),
        tuple(
            Stated(
                any_of(row["says"]),
                any_of(row["unless"]),
                any_of(row["asks"]) if row["asks"] else None,
                tuple(row["without"]),
                row["codes"],
            )
            for row in lexicon["stated"]
        ),
        tuple(lexicon["mother"]),
        any_of(lexicon["born"]),
        tuple(lexicon["trimesters"]),
        lexicon["probability"],
        lexicon["because"],
    )


def time_of(answer: Answering, note: Segmented, reader: AssertionReader, age_years: float | None) -> int | None:
    """The trimester of the weeks that are answered, 0 to 2, or CHILDBIRTH where the note tells of the delivery; None
    where it is no mother's chart, or has no weeks."""
    rules, weeks = pregnancy(), answer.best((f"{WEEKS}.",))
    if not (answer.best(rules.mother) or (weeks and not _is_of_one_born(note))) or is_newborn_chart(note, age_years):
        return None
    if delivery(note, reader) is not None:
        return CHILDBIRTH
    completed = 0 if weeks is None else int(weeks.code.rpartition(".")[2])  # .00: weeks not specified; .01: the first
    return sum(completed >= begin for begin in rules.begins) if completed else None


def _is_of_one_born(note: Segmented) -> bool:
    return any(pregnancy().born.search(document.text) for document in note.note.documents)


def report_pregnancy(answer: Answering, note: Segmented, reader: AssertionReader, age_years: float | None) -> None:
    """Report what conditions, and plain words, are in a pregnancy of which the note gives the time."""
    time = time_of(answer, note, reader, age_years)
    if time is None:
        return
    rules = pregnancy()
    for row in rules.complications:
        condition = answer.best(row.of)
        if condition is not None and row.codes[time] and answer.best(row.unless) is None:
            _complicate(answer, row, condition, row.codes[time])
    for stated in rules.stated:
        if not stated.codes[time] or answer.best(stated.without) is not None:
            continue
        words = _stated(stated, note, reader)
        if words is not None:
            code = stated.codes[time]
            told = Caution(RULE, f"{code}: the note states it of this pregnancy ({rules.because}).")
            answer.report(code, rules.probability, [[words]], told)


def _complicate(answer: Answering, row: Complication, condition: CodedItem, code: str) -> None:
    because = pregnancy().because
    told = Caution(RULE, f"{code}: {condition.code} in a pregnancy ({because}).", (condition.code,))
    probability = answer.report(code, worth(condition), [condition.evidence], told)
    if probability is not None and row.instead:
        why = Caution(RULE, f"{condition.code} is reported as {code} ({because}).", (code,))
        answer.lessen(condition, probability, why)


def _stated(row: Stated, note: Segmented, reader: AssertionReader) -> Evidence | None:
    """The first words of the note that state a row of the patient."""
    if row.asks and not any(row.asks.search(document.text) for document in note.note.documents):
        return None
    for sentence, words in sayings(row.says, note, reader):
        text = note.text_of(sentence)
        found = row.says.search(text, words.start - sentence.start)
        if words.assertion is Assertion.PRESENT and found and row.unless.search(around(text, found)) is None:
            return words
    return None
