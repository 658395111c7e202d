"""Allergies: a list of them says "Ciprofloxacin, hives", and the coder reports Z88.1.

What is named in a section about allergies, after words such as "allergic to", or before "allergy", is looked up in
lexicon/allergies.json. The assertion stage reads a section about allergies as hypothetical, because it lists no finding
of the patient's; here only what is denied or a relative's is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, Evidence
from app.pipeline.conventions.answering import Answering, literal
from app.pipeline.conventions.pieces import any_of, around
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented, Sentence

RULE = "allergy"
SECTION = "allergies"
SHORT = 6  # words of a sentence that goes on with a list on the same line
_DENIED = frozenset({Assertion.NEGATED})
_OUT = frozenset({Assertion.NEGATED, Assertion.FAMILY})
_OPENING = re.compile(r"[\W\d]*")  # what may stand before the first word of a line
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Allergies:
    """guard: what sentences about allergies have outside a section; leads: words that the allergens follow.

    after:   words right after an allergen, outside a list
    kinds:   (code, what finds an allergen of it), the first that finds it counts
    before:  takes an allergen back, before it in its piece; unless: anywhere in its piece; nowhere: in its sentence
    inside:  what no list of allergies has
    """

    guard: re.Pattern[str]
    leads: re.Pattern[str]
    after: re.Pattern[str]
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    any_kind: re.Pattern[str]
    before: re.Pattern[str]
    unless: re.Pattern[str]
    nowhere: re.Pattern[str]
    inside: re.Pattern[str]
    probability: float
    because: str


@cache
def allergies() -> Allergies:
    """The lexicon's words and codes."""
    lexicon = read_lexicon("allergies")
    kinds = tuple((row["code"], any_of(row["names"])) for row in lexicon["kinds"])
    return Allergies(
        re.compile(lexicon["guard"]),
        re.compile(lexicon["leads"]),
        re.compile(lexicon["after"], re.IGNORECASE),
        kinds,
        any_of([name for row in lexicon["kinds"] for name in row["names"]]),
        any_of(lexicon["before"]),
        any_of(lexicon["unless"]),
        any_of(lexicon["nowhere"]),
        any_of(lexicon["inside"]),
        lexicon["probability"],
        lexicon["because"],
    )


def report_allergies(answer: Answering, note: Segmented, reader: AssertionReader) -> None:
    """Report the status of each allergen that the note lists as the patient's."""
    rules = allergies()
    found: dict[str, list[Evidence]] = {}
    for sentence in note.sentences:
        for match, out in _allergens(note, sentence):
            code = next(code for code, names in rules.kinds if names.fullmatch(match[0]))
            words = literal(note, sentence, match)
            if reader.assess(words.document, words.start, words.end) not in out:
                found.setdefault(code, []).append(words)
    for code, words_of in found.items():
        told = f"{code}: the note lists {words_of[0].text!r} as an allergy ({rules.because})."
        answer.report(code, rules.probability, [words_of], Caution(RULE, told))


def _allergens(note: Segmented, sentence: Sentence) -> Iterator[tuple[re.Match[str], frozenset[Assertion]]]:
    """The allergens that a sentence lists, without those taken back beside them, and what must not be said of each."""
    rules, text = allergies(), note.text_of(sentence)
    listed = note.sections[sentence.section].label == SECTION and _lists(note, sentence, text)
    if not listed and rules.guard.search(text) is None:
        return
    if rules.nowhere.search(text):
        return
    lead = rules.leads.search(text)
    start = 0 if listed else lead.end() if lead else len(text)
    headed = lead is not None and not _OPENING.sub("", text[: lead.start()])
    for match in rules.any_kind.finditer(text):
        if match.start() < start and rules.after.match(text, match.end()) is None:
            continue
        piece = around(text, match)
        upto = piece[: piece.find(match[0])]
        if rules.before.search(upto) is None and rules.unless.search(piece) is None:
            yield match, _DENIED if headed else _OUT


def _lists(note: Segmented, sentence: Sentence, text: str) -> bool:
    """Whether a sentence of a section about allergies goes on with its list, and not with what the note says next."""
    rules = allergies()
    if rules.inside.search(text):
        return False
    section = note.sections[sentence.section]
    before = note.note.documents[sentence.document].text[section.heading_end : sentence.start]
    if not before.strip(" \t:-\n\r*#."):
        return True
    if _PARAGRAPH.search(before.lstrip()):
        return False
    opening = _OPENING.match(text)
    opens = rules.any_kind.match(text, opening.end() if opening else 0)
    return opens is not None or len(text.split()) <= SHORT
