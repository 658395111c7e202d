"""The lexicon of assertion, ready for look-up: a tree of words whose leaves say what a phrase does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, product
from typing import Any, Literal

from app.pipeline.assertion.tokens import phrase_tokens
from app.pipeline.coding import Assertion
from app.pipeline.lexicon import beginning, read_lexicon

Direction = Literal["forward", "backward", "pseudo", "end"]
Reach = Literal["list", "near", "attached", "short", "word", "own", "touch", "dated"]
ALL = frozenset(Assertion)
ADJECTIVES = frozenset({"negative", "neg", "absent"})  # "negative Homans sign" and "Homans sign negative"


@dataclass(frozen=True, slots=True)
class Cue:
    """What a phrase does. A scope has an assertion and a reach; an end names the assertions whose scopes it ends."""

    direction: Direction
    assertion: Assertion = Assertion.PRESENT
    reach: Reach = "near"
    ends: frozenset[Assertion] = frozenset()


@dataclass(slots=True)
class Node:
    """A place in the tree: the cues of the phrase that ends here, and the words that may follow."""

    cues: tuple[Cue, ...] = ()
    following: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssertionLexicon:
    """The word lists of lexicon/assertion.json; see the file's own `about`."""

    tree: Node
    openers: frozenset[str]  # words that may begin something; most words are done with after a look into this set
    values: dict[str, Assertion]
    classes: dict[str, tuple[str, ...]]  # the sets that a word belongs to
    whole_sections: dict[str, Assertion]
    headings: dict[str, Assertion]
    problem_sections: frozenset[str]
    neutral: frozenset[str]
    bullets: frozenset[str]
    kept: dict[str, tuple[tuple[str, Assertion], ...]]  # of a code set: beginnings of codes, what they are about
    absence: re.Pattern[str]
    missing: frozenset[str]
    allergic: re.Pattern[str]
    habits: re.Pattern[str]
    under_treatment: re.Pattern[str]
    denying: frozenset[str]
    stay_sections: frozenset[str]
    dating: frozenset[str]
    unrelated: frozenset[str]


def spelled_out(phrase: str) -> Iterator[tuple[str, ...]]:
    """Every wording of a phrase with choices and words that may be left out; sets stay as they are."""
    choices = []
    for word in phrase.split():
        optional = len(word) > 1 and word.endswith("?")
        options = (word[:-1] if optional else word).split("|")
        tokens = [(one,) if one.startswith("@") else phrase_tokens(one) for one in options]
        choices.append([*tokens, ()] if optional else tokens)
    for chosen in product(*choices):
        yield tuple(chain.from_iterable(chosen))


def _plant(tree: Node, phrases: Sequence[str], cue: Cue) -> None:
    for phrase in phrases:
        for words in spelled_out(phrase):
            node = tree
            for word in words:
                node = node.following.setdefault(word, Node())
            if words and cue not in node.cues:
                node.cues = (*node.cues, cue)


def _tree(raw: dict[str, Any]) -> Node:
    tree = Node()
    for row in raw["triggers"]:
        cue = Cue(row["direction"], Assertion(row["assertion"]), row["reach"])
        _plant(tree, row["phrases"], cue)
    for row in raw["ends"]:
        _plant(tree, row["phrases"], Cue("end", ends=frozenset(map(Assertion, row["of"])) or ALL))
    _plant(tree, raw["pseudo"], Cue("pseudo"))
    return tree


def _classes(sets: dict[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, words in sets.items():
        for word in words:
            found[word] = (*found.get(word, ()), f"@{name}")
    return found


@cache
def assertion_lexicon() -> AssertionLexicon:
    """The lexicon, read once."""
    raw = read_lexicon("assertion")
    first, last = raw["years"]
    tree, classes = _tree(raw), _classes({**raw["sets"], "year": [str(year) for year in range(first, last + 1)]})
    by_class = {word for word, names in classes.items() if not tree.following.keys().isdisjoint(names)}
    return AssertionLexicon(
        tree=tree,
        openers=frozenset(tree.following) | by_class | ADJECTIVES | frozenset(":=(-\u2013\u2014"),
        classes=classes,
        values={word: Assertion(name) for name, words in raw["values"].items() for word in words},
        whole_sections={label: Assertion(name) for label, name in raw["whole_sections"].items()},
        headings={words: Assertion(name) for words, name in raw["headings"].items()},
        problem_sections=frozenset(raw["problem_sections"]),
        neutral=frozenset(raw["neutral"]),
        bullets=frozenset(raw["bullets"]),
        kept={
            name: tuple((start, Assertion(about)) for about, starts in rows.items() for start in starts)
            for name, rows in raw["kept"].items()
        },
        absence=beginning(raw["absence"]),
        missing=frozenset(raw["missing"]),
        allergic=beginning(raw["allergic"]),
        habits=beginning(raw["habits"]),
        under_treatment=beginning(raw["under_treatment"]),
        denying=frozenset(raw["denying"]),
        stay_sections=frozenset(raw["stay_sections"]),
        dating=frozenset(raw["dating"]),
        unrelated=frozenset(raw["unrelated"]),
    )
