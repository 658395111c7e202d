"""Which codes a wording means, and which are near and mean something else.

A parent and its child are not both right for every wording of either: "embolism of the right tibial vein" asks for the
code of that side, its header says less, the other side's code says something else. A batch that takes all ancestors and
descendants for right never teaches the difference, and the header, whose title is the shortest, then wins.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from model.training.pairs import Term
from model.training.text import Text

Asked = tuple[str, str]  # code and wording of a term
Mistake = tuple[str, Text]  # a code that a wording is nearest to wrongly, and that code's wording which is nearest

_LEAST, _FULL = 3, 7  # characters of a category, and of a code with its 7th
_VAGUE_TAIL = re.compile(r",\s*(?:unspecified|not specified)(?:\s+\w+){0,3}\s*$", re.IGNORECASE)
_VAGUE = re.compile(
    r"\b(?:unspecified(?:\s+(?:side|site|location|region))?|not (?:otherwise )?specified|NOS"
    r"|without (?:mention of )?complications?|uncomplicated)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")


def telling_words(wording: str) -> str:
    """The words of a wording but those that say nothing ("unspecified eye"), in lower case; all where no other is."""
    told = _VAGUE.sub(" ", _VAGUE_TAIL.sub("", wording))
    return " ".join(_WORD.findall(told.casefold())) or wording.casefold()


class Kinship:
    """Reads the wordings of a code set once."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._meaning: dict[str, set[str]] = defaultdict(set)
        self._keys: dict[str, set[str]] = defaultdict(set)
        for term in terms:
            key = _key(term)
            self._meaning[key].add(term.code)
            self._keys[term.code].add(key)
        self._kin: dict[str, set[str]] = defaultdict(set)  # by parent
        self._family: dict[str, set[str]] = defaultdict(set)  # by all but the 7th character
        self._parents: dict[str, str] = {}
        for code in self._keys:
            self._family[_stem(code)].add(code)
            if parent := self._parent(code):
                self._parents[code] = parent
                self._kin[parent].add(code)

    def alike(self, term: Term) -> frozenset[str]:
        """The codes that a term's wording means as well as its own.

        Those with the same wording, but for words that say nothing ("unspecified"); the members of its family, which
        differ in the 7th character; ancestors and descendants that share any wording with its code, as the code that is
        meant where nothing more is said shares its header's.
        """
        return frozenset(self._meaning[_key(term)]) | self._same(term.code)

    @cache  # noqa: B019  one kinship lives as long as its run
    def near(self, code: str) -> Sequence[str]:
        """The parent, the children and the siblings of a code that do not mean the same, sorted.

        A code with its 7th character has those of the code without it.
        """
        parent = self._parents.get(code)
        if parent and parent in self._family[_stem(code)]:
            return self.near(parent)
        found = self._kin.get(code, set()) | (self._kin[parent] | {parent} if parent else set())
        return tuple(sorted(found - self._same(code)))

    @cache  # noqa: B019
    def _same(self, code: str) -> frozenset[str]:
        shared = {other for key in self._keys[code] for other in self._meaning[key]}
        related = {other for other in shared if other.startswith(code) or code.startswith(other)}
        return frozenset(related | self._family[_stem(code)] | {code})

    def _parent(self, code: str) -> str | None:
        return next((code[:end] for end in range(len(code) - 1, _LEAST - 1, -1) if code[:end] in self._keys), None)


def _key(term: Term) -> str:
    """The telling words of a wording; of an extended title those before the 7th character's."""
    wording = term.pieces[0] if term.title else " ".join(term.pieces)  # a wording's second piece is its side
    return telling_words(wording)


def _stem(code: str) -> str:
    """A code without its 7th character and the placeholders before it."""
    plain = code.replace(".", "")
    return plain[:-1].rstrip("X") if len(plain) == _FULL else plain
