"""Words and marks of a sentence, lower-case, with their offsets in the document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(r"\w+(?:['\u2019]\w+)?|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One sentence: words[i] is text[starts[i]:ends[i]] in lower case."""

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.words)

    def word(self, at: int) -> str:
        """The word at a place, "" outside the sentence."""
        return self.words[at] if 0 <= at < len(self.words) else ""

    def joined(self, at: int) -> bool:
        """Whether the token at a place touches the one before it."""
        return 0 < at < len(self.words) and self.starts[at] == self.ends[at - 1]


def tokenise(text: str, start: int, end: int) -> Tokens:
    """The tokens of text[start:end]."""
    found = [
        (match.group().lower().replace("\u2019", "'"), *match.span()) for match in _TOKEN.finditer(text, start, end)
    ]
    words, starts, ends = zip(*found, strict=True) if found else ((), (), ())
    return Tokens(words, starts, ends)


@cache
def phrase_tokens(phrase: str) -> tuple[str, ...]:
    """A phrase of the lexicon as the tokens that it matches."""
    return tuple(_TOKEN.findall(phrase.lower()))
