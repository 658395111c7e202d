"""Weeks of gestation: "G1P0 at 39w4d" is Z3A.39 in the chart of a pregnant patient.

An encoder does not tell 39 weeks from 34. The weeks that the note gives most often are reported, where its words or the
answer say a pregnancy; never with an abortive outcome, in a newborn's chart, or for a pregnancy of the past.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from app.pipeline.coding import Caution, Evidence
from app.pipeline.conventions.answering import Answering, Prefixes, literal, worth
from app.pipeline.conventions.newborns import is_newborn_chart
from app.pipeline.conventions.pieces import any_of, around
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

RULE = "weeks-of-gestation"
CATEGORY = "Z3A"
LEAST, MOST = 8, 42  # weeks that have codes of their own
OVER = 46  # weeks that no pregnancy has


@dataclass(frozen=True, slots=True)
class Gestation:
    """exact: weeks and days; weeks: weeks beside words of a pregnancy; pregnant: such words; unless: of other weeks.

    of: codes of a pregnancy; never: codes of an abortive outcome
    """

    exact: re.Pattern[str]
    weeks: re.Pattern[str]
    pregnant: re.Pattern[str]
    unless: re.Pattern[str]
    of: Prefixes
    never: Prefixes
    probability: float
    because: str


@cache
def gestation() -> Gestation:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("gestation")
    return Gestation(
        any_of(lexicon["exact"]),
        any_of(lexicon["weeks"]),
        any_of(lexicon["pregnant"]),
        any_of(lexicon["unless"]),
        tuple(lexicon["of"]),
        tuple(lexicon["never"]),
        lexicon["probability"],
        lexicon["because"],
    )


def weeks_code(weeks: int) -> str:
    """The code of completed weeks."""
    return f"{CATEGORY}.01" if weeks < LEAST else f"{CATEGORY}.49" if weeks > MOST else f"{CATEGORY}.{weeks:02d}"


def report_gestation(answer: Answering, note: Segmented, age_years: float | None) -> None:
    """Report the weeks that the note gives most often, of equals the last; other weeks step back."""
    rules = gestation()
    given = list(_given(note))
    if not given or is_newborn_chart(note, age_years):
        return
    pregnancy, over = answer.best(rules.of), answer.best(rules.never)
    if over is not None and (pregnancy is None or worth(over) >= worth(pregnancy)):
        return
    if pregnancy is None and not any(rules.pregnant.search(note.text_of(one)) for one in note.sentences):
        return
    counted = Counter(weeks for weeks, _ in given)
    last = {weeks: at for at, (weeks, _) in enumerate(given)}
    most = max(counted, key=lambda weeks: (counted[weeks], last[weeks]))
    code, words = weeks_code(most), [evidence for weeks, evidence in given if weeks == most]
    told = Caution(RULE, f"{code}: the weeks of gestation that the note gives ({rules.because}).")
    probability = answer.report(code, rules.probability, [words], told)
    if probability is not None:
        why = Caution(RULE, f"the note's weeks are those of {code}.", (code,))
        answer.step_back((CATEGORY,), (code,), probability, why)


def _given(note: Segmented) -> Iterator[tuple[int, Evidence]]:
    """The weeks that the note gives of a pregnancy that goes on: those with days, without any those without."""
    rules = gestation()
    for pattern in (rules.exact, rules.weeks):
        seen = False
        for sentence in note.sentences:
            text = note.text_of(sentence)
            for found in pattern.finditer(text):
                weeks = int(next(group for group in found.groups() if group))
                if weeks < OVER and rules.unless.search(around(text, found)) is None:
                    seen = True
                    yield weeks, literal(note, sentence, found)
        if seen:
            return
