"""Fractures of osteoporosis: "femoral neck fragility fracture" beside osteoporosis is M80.05-, not S72.0- with M81.0.

Where the note calls a fracture one of fragility and has the osteoporosis, the code of both is reported, with the site,
side and encounter of the fracture, in place of the injury's code and of osteoporosis without fracture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, CodedItem
from app.pipeline.conventions.answering import Answering, Prefixes, worth
from app.pipeline.conventions.pieces import any_of
from app.pipeline.conventions.saying import sayings
from app.pipeline.lexicon import read_lexicon
from app.pipeline.sides import LEFT, RIGHT, sides
from app.pipeline.spans import Segmented, Sentence

RULE = "fragility-fracture"
SEVENTH = 6  # place of the 7th character
_SIDES = {RIGHT: "1", LEFT: "2"}
_NO_SIDE, _FILLER = "9", "X"
_FAINT = 0.5  # of the answer's floor: what the fracture must be worth, as the parts of a combination


@dataclass(frozen=True, slots=True)
class Fragility:
    """words: find what calls a fracture so; osteoporotic: those that name the disease; the rest as in the lexicon."""

    words: re.Pattern[str]
    osteoporotic: re.Pattern[str]
    disease: dict[str, Prefixes]
    sites: dict[str, str]
    unsided: frozenset[str]
    seventh: dict[str, str]
    because: str

    def code(self, start: str, fracture: CodedItem) -> str | None:
        """The code of the fracture with the osteoporosis that begins so; None where the fracture has no site here."""
        site = next((site for prefix, site in self.sites.items() if fracture.code.startswith(prefix)), None)
        plain = fracture.code.replace(".", "")
        seventh = self.seventh.get(plain[SEVENTH:], "A")
        if site is None:
            return None
        side = _FILLER if site in self.unsided else _SIDES.get(sides(fracture.display), _NO_SIDE)
        return f"{start}{site}{side}{seventh}"


@cache
def fragility() -> Fragility:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("fragility")
    return Fragility(
        any_of([*lexicon["words"], *lexicon["osteoporotic"]]),
        any_of(lexicon["osteoporotic"]),
        {start: tuple(codes) for start, codes in lexicon["disease"].items()},
        {prefix: site for site, prefixes in lexicon["sites"].items() for prefix in prefixes},
        frozenset(lexicon["unsided"]),
        lexicon["seventh"],
        lexicon["because"],
    )


def report_fragility(answer: Answering, note: Segmented, reader: AssertionReader) -> None:
    """Report fractures that the note calls so together with the osteoporosis; the codes of each alone step back."""
    rules = fragility()
    if not any(item.code.startswith(tuple(rules.sites)) for item in answer.items.values()):
        return  # most notes have no fracture: their sentences need no second look
    for sentence, words in sayings(rules.words, note, reader):
        if words.assertion is not Assertion.PRESENT:
            continue
        fracture = _in_sentence(answer, rules, sentence)
        begins, disease = _osteoporosis(answer, rules)
        named = rules.osteoporotic.search(words.text) is not None
        if fracture is None or not (disease or named) or not (code := rules.code(begins, fracture)):
            continue
        least = worth(disease) if disease else worth(fracture)
        parts = tuple(item.code for item in (fracture, disease) if item)
        told = Caution(RULE, f"{code} stands for {' with '.join(parts)} ({rules.because}).", parts)
        others = [disease.evidence] if disease else []
        probability = answer.report(code, least, [fracture.evidence, [words], *others], told)
        if probability is not None:
            why = Caution(RULE, f"is reported as {code} ({rules.because}).", (code,))
            alone = (fracture.code, *(start for starts in rules.disease.values() for start in starts))
            answer.step_back(alone, (), probability, why)


def _in_sentence(answer: Answering, rules: Fragility, sentence: Sentence) -> CodedItem | None:
    """The most probable fracture that the answer read out of a sentence."""
    told = [
        item
        for item in answer.items.values()
        if item.code.startswith(tuple(rules.sites))
        and worth(item) >= _FAINT * answer.floor
        and any(e.document == sentence.document and sentence.start <= e.start < sentence.end for e in item.evidence)
    ]
    return max(told, key=worth, default=None)


def _osteoporosis(answer: Answering, rules: Fragility) -> tuple[str, CodedItem | None]:
    """The beginning of the codes with fracture, and the answered osteoporosis that says which."""
    found = [(start, item) for start, codes in rules.disease.items() if (item := answer.best(codes))]
    return max(found, key=lambda one: worth(one[1]), default=(next(iter(rules.disease)), None))
