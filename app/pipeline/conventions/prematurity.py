"""Births too early or too light: "29 1/7 week male, 1,180 g" is P07.32 and P07.14 in a newborn's own chart."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from app.pipeline.coding import Caution, Evidence
from app.pipeline.conventions.answering import Answering, literal
from app.pipeline.conventions.newborns import is_newborn_chart
from app.pipeline.conventions.pieces import any_of, around
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

RULE = "prematurity"
GRAMS = 1000.0  # of a kilogram
LIGHTEST = 200.0  # grams of a birth

Steps = tuple[tuple[float, str | None], ...]


@dataclass(frozen=True, slots=True)
class Prematurity:
    """weeks, weight: find those at birth, in a group; by_weeks, by_weight: the code from a least value on.

    birth: what a sentence about weeks at birth has; unless: words of weeks of another time
    small: words of slow growth, with which a weight is not that of a category of its own
    """

    birth: re.Pattern[str]
    weeks: re.Pattern[str]
    weight: re.Pattern[str]
    unless: re.Pattern[str]
    small: re.Pattern[str]
    by_weeks: Steps
    by_weight: Steps
    probability: float
    because: str


@cache
def prematurity() -> Prematurity:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("newborns")
    return Prematurity(
        any_of(lexicon["birth"]),
        any_of(lexicon["weeks"]),
        any_of(lexicon["weight"]),
        any_of(lexicon["unless"]),
        any_of(lexicon["small"]),
        _steps(lexicon["by_weeks"]),
        _steps(lexicon["by_weight"]),
        lexicon["probability"],
        lexicon["because"],
    )


def report_prematurity(answer: Answering, note: Segmented, age_years: float | None) -> None:
    """Report the weeks and the weight at birth that a newborn's chart gives first; others of theirs step back."""
    found = [one for one in (next(_weeks(note), None), next(_weights(note), None)) if one is not None]
    if not found or not is_newborn_chart(note, age_years):
        return
    rules = prematurity()
    reported = {code for code, _, _ in found if code}
    for code, family, words in found:
        probability = None
        if code:
            told = Caution(RULE, f"{code}: what the chart gives of the birth ({rules.because}).")
            probability = answer.report(code, rules.probability, [[words]], told)
        why = Caution(RULE, f"the chart gives {words.text!r} of the birth.", (code,) if code else ())
        answer.step_back(family, reported, probability or rules.probability, why)


def _weeks(note: Segmented) -> Iterator[tuple[str | None, tuple[str, ...], Evidence]]:
    rules = prematurity()
    for sentence in note.sentences:
        text = note.text_of(sentence)
        for found in rules.weeks.finditer(text):
            if rules.birth.search(text) and not rules.unless.search(around(text, found)):
                weeks = float(next(group for group in found.groups() if group))
                yield _code(rules.by_weeks, weeks), ("P07.2", "P07.3"), literal(note, sentence, found)


def _weights(note: Segmented) -> Iterator[tuple[str | None, tuple[str, ...], Evidence]]:
    rules = prematurity()
    if any(rules.small.search(document.text) for document in note.note.documents):
        return
    for sentence in note.sentences:
        text = note.text_of(sentence)
        for found in rules.weight.finditer(text):
            said = next(group for group in found.groups() if group).replace(",", "")
            grams = float(said) * (GRAMS if "." in said else 1.0)
            if grams >= LIGHTEST:
                yield _code(rules.by_weight, grams), ("P07.0", "P07.1"), literal(note, sentence, found)


def _code(steps: Steps, value: float) -> str | None:
    """The code of the last step that the value reaches."""
    return steps[bisect_right([least for least, _ in steps], value) - 1][1]


def _steps(codes: dict[str, str | None]) -> Steps:
    return tuple(sorted((float(least), code) for least, code in codes.items()))
