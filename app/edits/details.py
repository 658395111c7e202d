"""What an unspecified code leaves open: the detail that its siblings tell and it does not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.edits.facts import Facts, RuleBook

_WORD = re.compile(r"[a-z]+")
_NOUNS = re.compile(r"\bunspecified (?:as to )?(\w+)"), re.compile(r"\b(\w+),? (?:not specified|unspecified)\b")
_FILE = Path(__file__).with_name("data") / "details.json"
TYPE = "type"  # all that can be said of most
_FILLER = frozenset(
    {"unspecified", "not", "specified", "and", "or", "of", "the", "as", "to", "part", "parts", "site", "sites"}
)
_SIDE_WORDS = frozenset({"right", "left", "bilateral", "unspecified"})
SIDES = {"right": "left", "left": "right"}


@dataclass(frozen=True, slots=True)
class Lexicon:
    """words: a detail by the words of siblings that tell it, of which there must be `enough`.

    nouns:   a detail by the noun that is unspecified
    seventh: what a 7th character tells, by words of its wording
    quiet:   codes whose siblings are other conditions
    queries: what coders ask the author of a note, by code, with codes that tell it
    """

    words: Mapping[str, frozenset[str]]
    enough: Mapping[str, int]
    nouns: Mapping[str, str]
    seventh: Mapping[str, tuple[str, ...]]
    quiet: frozenset[str]
    queries: Mapping[str, tuple[str, tuple[str, ...]]]


@cache
def lexicon() -> Lexicon:
    """The word lists of data/details.json."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    nouns = {noun: detail for detail, of_detail in raw["nouns"].items() for noun in of_detail}
    return Lexicon(
        words={detail: frozenset(row["words"]) for detail, row in raw["words"].items()},
        enough={detail: row["enough"] for detail, row in raw["words"].items()},
        nouns=nouns,
        seventh={detail: tuple(found) for detail, found in raw["seventh"].items()},
        quiet=frozenset(raw["quiet"]),
        queries={code: (row["detail"], tuple(row["codes"])) for code, row in raw["queries"].items()},
    )


def words_of(title: str) -> frozenset[str]:
    """The distinct words of a title, in lower case."""
    return frozenset(_WORD.findall(title.lower()))


def told_words(title: str) -> frozenset[str]:
    """The words of a title less those that tell nothing of the condition."""
    return words_of(title) - _FILLER


def left_open(title: str) -> int:
    """How many things a title leaves open."""
    lower = title.lower()
    return lower.count("unspecified") + lower.count("not specified")


def open_detail(title: str, others: Sequence[str]) -> str | None:
    """The detail that this title leaves open and those of its siblings tell: "laterality", "trimester", "type" ...

    None where the title tells all that its siblings tell, or where they leave the same thing open.
    """
    if not others or left_open(title) <= min(map(left_open, others)):
        return None
    own = told_words(title)
    alike = [words_of(other) for other in others if own <= words_of(other)]  # the same condition, told further
    told = frozenset[str]().union(*alike) - words_of(title)
    known = lexicon()
    for detail, words in known.words.items():
        several = sum(not words.isdisjoint(other) for other in alike) > 1
        if several and len(told & words) >= known.enough[detail]:
            return detail
    found = (match for pattern in _NOUNS for match in pattern.finditer(title.lower()))
    nouns = [match.group(1) for match in found if not all(match.group() in other.lower() for other in others)]
    return next((known.nouns[noun] for noun in nouns if noun in known.nouns), TYPE)


def open_child(book: RuleBook, parent: Facts) -> str | None:
    """The child that leaves open what its siblings tell; None where there is none."""
    titles = {child: book.of(child).title for child in parent.children}
    for child, title in titles.items():
        others = [other for code, other in titles.items() if code != child]
        if open_detail(title, others) is not None and not title.lower().startswith("other"):
            return child
    return None


def seventh_detail(book: RuleBook, parent: Facts) -> str:
    """What the 7th character of a code's children tells: "episode of care", "stage", "fetus" ..."""
    titles = " ".join(book.of(child).title[len(parent.title) :].lower() for child in parent.children)
    for detail, words in lexicon().seventh.items():
        if any(word in titles for word in words):
            return detail
    return "7th character"


def mirrored(title: str) -> str | None:
    """The title of the other side: right for left and left for right; None where it names neither, or both."""
    sides = set(re.findall(r"\b(?:right|left)\b", title.lower()))
    if len(sides) != 1:
        return None
    [side] = sides
    return re.sub(rf"\b{side}\b", SIDES[side], title.lower())


def without_side(title: str) -> frozenset[str]:
    """The words of a title without right, left, bilateral and unspecified: what the two sides of one part share."""
    return words_of(title) - _SIDE_WORDS


def side_of(book: RuleBook, code: str) -> str | None:
    """The side that tells a code from a sibling: "right" or "left"."""
    stem = book.stem(code)
    mirror = mirrored(stem.title)
    if mirror is None or all(book.of(other).title.lower() != mirror for other in book.siblings(stem.code)):
        return None
    return "right" if "right" in words_of(stem.title) else "left"


def completed(book: RuleBook, stem: str, seventh: str) -> str | None:
    """The billable code of a stem with this 7th character, or its own; else what leaves least said below it."""
    facts = book.of(stem)
    while not facts.billable:
        if not facts.children:
            return None
        same = next((child for child in facts.children if book.of(child).seventh and child[-1] == seventh), None)
        facts = book.of(same or open_child(book, facts) or facts.children[0])
    return facts.code


def neighbours(book: RuleBook, code: str, most: int = 6) -> tuple[str, ...]:
    """Billable codes that stand beside a code and tell another detail; the unspecified one first."""
    stem = book.stem(code)
    parent = None if stem.parent is None else book.of(stem.parent)
    if parent is None:
        return ()
    first = open_child(book, parent)
    order = [*([first] if first else []), *(child for child in parent.children if child != first)]
    found = [completed(book, child, book.of(code).seventh) for child in order if child != stem.code]
    return tuple(one for one in found if one is not None and one != code)[:most]
