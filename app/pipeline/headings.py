"""Which section a heading opens. The word lists stand in lexicon/sections.json."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from app.pipeline.lexicon import read_lexicon

PAREN = re.compile(r"\([^()]{0,80}\)")
WORD = re.compile(r"[a-z]+")
IRREGULAR = {"diagnoses": "diagnosis", "hx": "history", "dx": "diagnosis", "fhx": "family", "shx": "social"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A heading that has all these words, and no word that is unknown, opens a section of this label."""

    label: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class HeadingLexicon:
    """The word lists, ready for look-up; see the file's own `about`."""

    names: dict[str, str]
    rules: tuple[Rule, ...]
    vocabulary: frozenset[str]
    parts: frozenset[str]
    parts_keep: frozenset[str]
    ambiguous: frozenset[str]
    problem_labels: frozenset[str]
    open_labels: frozenset[str]


def singular(word: str) -> str:
    """A heading word in the singular, good enough for headings: diagnoses, allergies, studies, medications."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is", "us")) else word


@cache
def heading_lexicon() -> HeadingLexicon:
    """The lexicon of headings, read once."""
    raw = read_lexicon("sections")
    rules = tuple(Rule(rule["label"], frozenset(rule["words"])) for rule in raw["rules"])
    return HeadingLexicon(
        names={name: label for label, names in raw["names"].items() for name in names},
        rules=rules,
        vocabulary=frozenset(raw["filler"]).union(*(rule.words for rule in rules)),
        **{
            name: frozenset(raw[name]) for name in ("parts", "parts_keep", "ambiguous", "problem_labels", "open_labels")
        },
    )


def label_by_words(heading: str) -> str | None:
    """The label of the first rule that fits a lower-case heading, or None when a word of it is no heading word."""
    words = {singular(word) for word in WORD.findall(PAREN.sub(" ", heading).replace("-", ""))}
    lexicon = heading_lexicon()
    if not words or not words <= lexicon.vocabulary:
        return None
    return next((rule.label for rule in lexicon.rules if rule.words <= words), None)


def label_of(heading: str, current: str | None) -> str | None:
    """The label that a heading (its words, without colon) opens after a section `current`; None when it is unknown.

    A body system ("LUNGS") goes on with the section that is gone through by system, else it opens a physical exam.
    """
    lexicon, name = heading_lexicon(), " ".join(heading.lower().split())
    if name in lexicon.ambiguous and current in lexicon.problem_labels:
        return None
    if name in lexicon.names:
        return lexicon.names[name]
    if name in lexicon.parts:
        return current if current in lexicon.parts_keep else "physical_exam"
    return label_by_words(name)


def is_part(heading: str) -> bool:
    """Whether a heading names a body system; such words open lines of prose too often to count without a colon."""
    return " ".join(heading.lower().split()) in heading_lexicon().parts
