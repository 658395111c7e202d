"""Which words an abbreviation stands for: one meaning, or the sense that the words around it speak for.

The lists stand in lexicon/shorthand.json, the rules of abbreviations with several senses in lexicon/senses.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from app.pipeline.lexicon import read_lexicon
from app.pipeline.reading.edited import Edit

_TOKEN = re.compile(r"w/o(?!\w)|w/(?=\s|[^\W\d_]{2})|[^\W_]+(?:[-/&'][^\W_]+)*", re.IGNORECASE)
_PART = re.compile(r"[^/]+")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|[#%+]")
_NEXT = re.compile(r"[\s,]{0,3}([^\W_]+|[#%+])")
_BEFORE = re.compile(r"([^\W_]+|%)[\s,]{0,3}\Z")
_LONGEST = 14
_REACH = 40  # characters in which a neighbour is looked for
_NEIGHBOUR, _NEAR, _SECTION, _NOTE = 4, 3, 2, 1
_NEEDED = 2


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning. before, after: words beside it; near: in its sentence; sections; note: anywhere in the note."""

    words: str
    before: frozenset[str]
    after: frozenset[str]
    near: frozenset[str]
    sections: frozenset[str]
    note: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The senses of an abbreviation; default: the words where nothing speaks for any, None to leave it as written."""

    senses: tuple[Sense, ...]
    default: str | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """plain: one meaning each; ambiguous: several; words: those that are English words, or titles, in small letters."""

    plain: Mapping[str, str]
    ambiguous: Mapping[str, Ambiguous]
    words: frozenset[str]


class Context:
    """The words of a whole note, gathered when the first ambiguous abbreviation asks for them."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._words: frozenset[str] | None = None

    @property
    def words(self) -> frozenset[str]:
        """In small letters."""
        if self._words is None:
            self._words = frozenset(word for text in self._texts for word in _WORD.findall(text.lower()))
        return self._words


@dataclass(slots=True)
class _Sentence:
    """A sentence and what is asked of it again and again, computed once."""

    text: str
    start: int
    end: int
    section: str | None
    context: Context
    _words: frozenset[str] | None = field(default=None)
    _shouted: bool | None = field(default=None)

    @property
    def words(self) -> frozenset[str]:
        if self._words is None:
            self._words = frozenset(_WORD.findall(self.text[self.start : self.end].lower()))
        return self._words

    @property
    def shouted(self) -> bool:
        """Whether it is all in capitals, so that capitals tell no abbreviation from a word."""
        if self._shouted is None:
            said = self.text[self.start : self.end]
            plain = shorthand_lexicon().plain
            long = [word for word in _WORD.findall(said) if len(word) > 4 and word.lower() not in plain]
            self._shouted = said.isupper() and len(long) > 0
        return self._shouted


@cache
def shorthand_lexicon() -> Lexicon:
    """The lists, read once. A meaning may be written for several abbreviations: "dm2 t2dm"."""
    plain, senses = read_lexicon("shorthand"), read_lexicon("senses")
    ambiguous = {
        name: Ambiguous(tuple(_sense(sense) for sense in one["senses"]), one.get("default"))
        for name, one in senses["senses"].items()
    }
    meanings = {name: words for words, names in plain["meanings"].items() for name in names.split()}
    return Lexicon(meanings, ambiguous, frozenset(plain["words"].split()))


def expansions(text: str, start: int, end: int, section: str | None, context: Context) -> Iterator[Edit]:
    """What the abbreviations of the sentence text[start:end] stand for."""
    sentence = _Sentence(text, start, end, section, context)
    lexicon = shorthand_lexicon()
    for found in _TOKEN.finditer(text, start, end):
        token = found.group()
        whole = _meaning(token, *found.span(), sentence, lexicon)
        if whole is not None:
            apart = token.endswith("/") and text[found.end() : found.end() + 1].isalnum()  # "w/neuropathy"
            yield Edit(*found.span(), f"{whole} " if apart else whole)
        elif "/" in token:
            for part in _PART.finditer(token):
                begin, stop = found.start() + part.start(), found.start() + part.end()
                new = _meaning(part.group(), begin, stop, sentence, lexicon)
                if new is not None:
                    yield Edit(begin, stop, new)


def _meaning(token: str, start: int, end: int, sentence: _Sentence, lexicon: Lexicon) -> str | None:
    if len(token) > _LONGEST:
        return None
    name = token.lower()
    if name not in lexicon.plain and name not in lexicon.ambiguous:
        if not (name.endswith("s") and token[:-1].isupper()):
            return None
        name = name[:-1]  # "PVCs"
    if name in lexicon.words and (not token[:2].isupper() or sentence.shouted):
        return None
    if name in lexicon.ambiguous:
        return _sensed(lexicon.ambiguous[name], start, end, sentence)
    return lexicon.plain.get(name)


def _sensed(one: Ambiguous, start: int, end: int, sentence: _Sentence) -> str | None:
    """The words of the sense that most speaks for; the first of equals."""
    text = sentence.text
    before = _BEFORE.search(text[max(sentence.start, start - _REACH) : start])
    after = _NEXT.match(text, end, min(sentence.end, end + _REACH))
    left = before[1].lower() if before else ""
    right = after[1].lower() if after else ""
    best, most = one.default, _NEEDED - 1
    for sense in one.senses:
        score = _NEIGHBOUR * ((left in sense.before) + (right in sense.after))
        score += _NEAR * min(2, len(sense.near & sentence.words))
        score += _SECTION * (sentence.section in sense.sections)
        score += _NOTE * min(3, len(sense.note & sentence.context.words)) if sense.note else 0
        if score > most:
            best, most = sense.words, score
    return best


def _sense(raw: Mapping[str, str]) -> Sense:
    names = ("before", "after", "near", "sections", "note")
    return Sense(raw["words"], *(frozenset(raw.get(name, "").split()) for name in names))
