"""Combination codes: what the guidelines make of findings that stand apart in the note.

"Hypertension" in one line, "heart failure" and "CKD" in others: no clause names I13.0, and the guidelines presume it.
A combination is added, or made as probable as its least probable part, when all its parts are answered; the codes in
whose place it is reported, and codes that another one of their category bars, become less probable by as much. Every
code so moved says why in a warning. Only calibrations that ask for it combine (docs/decisions/0021).

A part may be half as probable as a code of `codes` has to be: the combination is then a candidate, and takes as little
from what it would replace (docs/decisions/0036).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from app.pipeline.coding import Caution
from app.pipeline.conventions.answering import Answering, Prefixes, worth
from app.pipeline.lexicon import read_lexicon

RULE, BARRED = "combination", "barred"
_FAINT = 0.5  # of the answer's floor: what a part must be worth


@dataclass(frozen=True, slots=True)
class Combination:
    """code: reported for findings of one code of each group of `parts`, in place of `instead`, unless `unless` is.

    said: found in the evidence of the parts; None = whatever they say
    """

    code: str
    parts: tuple[Prefixes, ...]
    instead: Prefixes
    unless: Prefixes
    because: str
    said: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """code: not reported beside a code that begins like one of `by`."""

    code: str
    by: Prefixes
    because: str


@cache
def combinations() -> tuple[tuple[Combination, ...], tuple[Bar, ...]]:
    """The rules of the lexicon, in its order."""
    lexicon = read_lexicon("combinations")
    combined = tuple(
        Combination(
            row["code"],
            tuple(tuple(group) for group in row["of"]),
            tuple(row["instead"]),
            tuple(row["unless"]),
            row["because"],
            re.compile(row["said"], re.IGNORECASE) if "said" in row else None,
        )
        for row in lexicon["combinations"]
    )
    return combined, tuple(Bar(row["code"], tuple(row["by"]), row["because"]) for row in lexicon["barred"])


def combine(answer: Answering) -> None:
    """Add combinations to the answer and make what they replace, and what is barred, less probable."""
    rules, bars = combinations()
    for rule in rules:
        _apply(answer, rule)
    for bar in bars:
        _bar(answer, bar)


def _apply(answer: Answering, rule: Combination) -> None:
    """Report the combination if all its parts are answered and nothing stands against it."""
    if answer.best(rule.unless, rule.code):
        return
    parts = [answer.best(group, rule.code, _FAINT * answer.floor) for group in rule.parts]
    found = [part for part in parts if part]
    if len(found) < len(parts) or (rule.said and not any(rule.said.search(e.text) for p in found for e in p.evidence)):
        return
    codes = tuple(part.code for part in found)
    told = Caution(RULE, f"{rule.code} stands for {' with '.join(codes)} ({rule.because}).", codes)
    probability = answer.report(rule.code, min(map(worth, found)), [part.evidence for part in found], told)
    if probability is None:
        return
    for item in list(answer.items.values()):
        if item.code != rule.code and item.code.startswith(rule.instead):
            said = f"{item.code} is reported as {rule.code} ({rule.because})."
            answer.lessen(item, probability, Caution(RULE, said, (rule.code,)))


def _bar(answer: Answering, rule: Bar) -> None:
    """Lessen the code by the most probable one that bars it."""
    item, by = answer.items.get(rule.code), answer.best(rule.by, rule.code)
    if item and by and not any(caution.rule == RULE and by.code in caution.codes for caution in item.warnings):
        said = f"{item.code} is not reported beside {by.code} ({rule.because})."
        answer.lessen(item, worth(by), Caution(BARRED, said, (by.code,)))
