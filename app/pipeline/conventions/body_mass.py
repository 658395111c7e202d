"""The body mass index: "BMI 43.2" is Z68.41, and an encoder cannot tell it from 34.2.

The code is reported where the answer has the condition that the index belongs to (obesity, overweight, underweight,
malnutrition), as probable as that condition; other codes of Z68 step back. Where the condition is not answered, its
words in the note do, or an index that is such a condition by itself. Adults only: a child has percentiles; and not in a
pregnancy.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, Evidence
from app.pipeline.conventions.answering import Answering, Prefixes, literal, worth
from app.pipeline.conventions.pieces import any_of
from app.pipeline.conventions.saying import sayings
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

RULE = "body-mass-index"
CATEGORY = "Z68"
BECAUSE = "Official Guidelines I.B.14"
IN_PREGNANCY = "Official Guidelines I.C.21.c.3"


@dataclass(frozen=True, slots=True)
class BodyMass:
    """value: finds an index; ages: finds an age; of: codes with which one is reported; never: codes of a pregnancy.

    words: of such a condition; under, over: indexes that are one by themselves; least: (least index, code)
    """

    value: re.Pattern[str]
    ages: re.Pattern[str]
    adult: int
    of: Prefixes
    never: Prefixes
    words: re.Pattern[str]
    under: float
    over: float
    probability: float
    least: tuple[tuple[float, str], ...]

    def code(self, index: float) -> str:
        """The code of an adult's index."""
        return self.least[bisect_right([least for least, _ in self.least], index) - 1][1]


@cache
def body_mass() -> BodyMass:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("body_mass")
    least = sorted((float(least), code) for code, least in lexicon["codes"].items())
    value, ages = (re.compile(lexicon[name], re.IGNORECASE) for name in ("value", "ages"))
    under, over = lexicon["outside"]
    return BodyMass(
        value,
        ages,
        lexicon["adult"],
        tuple(lexicon["of"]),
        tuple(lexicon["never"]),
        any_of(lexicon["words"]),
        under,
        over,
        lexicon["probability"],
        tuple(least),
    )


def report_body_mass(answer: Answering, note: Segmented, reader: AssertionReader, age_years: float | None) -> None:
    """Report the first index that the note gives, in place of other ones, beside the condition it belongs to."""
    rules = body_mass()
    if (found := _first(note)) is None or _is_child(note, age_years):
        return
    if pregnancy := answer.best(rules.never):
        why = Caution(RULE, f"none is given in a pregnancy ({IN_PREGNANCY}).", (pregnancy.code,))
        answer.step_back((CATEGORY,), (), worth(pregnancy), why)
        return
    evidence, index = found
    condition, code = answer.best(rules.of), rules.code(index)
    if condition:
        told = Caution(RULE, f"{code} is the body mass index beside {condition.code} ({BECAUSE}).", (condition.code,))
        least = worth(condition)
    elif not rules.under <= index < rules.over or _named(note, reader):
        told = Caution(RULE, f"{code} is the body mass index that the note gives ({BECAUSE}).")
        least = rules.probability
    else:
        return
    probability = answer.report(code, least, [[evidence]], told)
    if probability is not None:
        why = Caution(RULE, f"the note's index is that of {code}.", (code,))
        answer.step_back((CATEGORY,), (code,), probability, why)


def _first(note: Segmented) -> tuple[Evidence, float] | None:
    rules = body_mass()
    for sentence in note.sentences:
        if found := rules.value.search(note.text_of(sentence)):
            return literal(note, sentence, found), float(found[1])
    return None


def _named(note: Segmented, reader: AssertionReader) -> bool:
    """Whether the note names a condition of the weight as the patient's."""
    return any(words.assertion is Assertion.PRESENT for _, words in sayings(body_mass().words, note, reader))


def _is_child(note: Segmented, age_years: float | None) -> bool:
    """Whether the patient is too young for an adult's index: by what the caller says, else by the note's first age."""
    rules = body_mass()
    if age_years is None:
        ages = (rules.ages.search(document.text) for document in note.note.documents)
        age_years = next((float(found[1]) for found in ages if found), None)
    return age_years is not None and age_years < rules.adult
