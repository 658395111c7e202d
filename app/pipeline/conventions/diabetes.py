"""The kind of diabetes: "DKA" beside "T1DM" is E10.10, and its words alone read as type 2.

Type 2 is what is coded where the note states no kind (Official Guidelines I.C.4.a.2), so most wordings of complications
are nearest to E11. Where the note states one kind as the patient's and no other, answered codes of the other category
become those of the stated one, ending alike, before combinations are made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, Evidence
from app.pipeline.conventions.answering import Answering, worth
from app.pipeline.conventions.pieces import any_of
from app.pipeline.conventions.saying import sayings
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented

RULE = "diabetes-kind"
_OPEN = frozenset({Assertion.PRESENT, Assertion.POSSIBLE})  # a kind that is only possible leaves the matter open


@dataclass(frozen=True, slots=True)
class Kinds:
    """by_category: finds what states a kind. others: finds kinds beside which nothing is decided."""

    by_category: dict[str, re.Pattern[str]]
    others: re.Pattern[str]
    because: str


@cache
def kinds() -> Kinds:
    """The lexicon's words."""
    lexicon = read_lexicon("diabetes")
    words = {"dm": lexicon["dm"]}
    return Kinds(
        {category: any_of(phrases, words) for category, phrases in lexicon["kinds"].items()},
        any_of(lexicon["others"], words),
        lexicon["because"],
    )


def settle_kind(answer: Answering, note: Segmented, reader: AssertionReader) -> None:
    """Report what the note's kind of diabetes makes of answered codes of the other kind."""
    rules = kinds()
    mistaken = [item for item in answer.items.values() if item.code.startswith(tuple(rules.by_category))]
    if not mistaken or (stated := _stated(note, reader)) is None:
        return
    category, words = stated
    for item in mistaken:
        if item.code.startswith(category) or worth(item) < answer.floor:
            continue
        code = category + item.code[len(category) :]
        told = Caution(RULE, f"{code}: the note states {words.text!r} ({rules.because}).", (item.code,))
        probability = answer.report(code, worth(item), [item.evidence, [words]], told)
        said = f"{item.code}: the note states {words.text!r} ({rules.because})."
        answer.lessen(item, probability or worth(item), Caution(RULE, said, (code,) if probability else ()))


def _stated(note: Segmented, reader: AssertionReader) -> tuple[str, Evidence] | None:
    """The one kind that the note states as the patient's, with the first words that do; None where it is open."""
    rules = kinds()
    if _said(rules.others, note, reader):
        return None
    found = {category: _said(pattern, note, reader) for category, pattern in rules.by_category.items()}
    open_kinds = [category for category, mentions in found.items() if mentions]
    if len(open_kinds) != 1:
        return None
    certain = (words for words in found[open_kinds[0]] if words.assertion is Assertion.PRESENT)
    return next(((open_kinds[0], words) for words in certain), None)


def _said(pattern: re.Pattern[str], note: Segmented, reader: AssertionReader) -> list[Evidence]:
    """The words that say so of the patient, maybe as possible only."""
    return [words for _, words in sayings(pattern, note, reader) if words.assertion in _OPEN]
