"""The words of tokens. Mutual information is counted over words, not over an encoder's word pieces: "pneumonia" is one
word however it is cut, and the counts outlive the encoder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from model.encoder import Integers

_WORD = re.compile(r"[^\W_]+")


def stem(word: str) -> str:
    """Lower case, without accents and plural: Porter 1980, step 1a (sses -> ss, ies -> i, ss -> ss, s -> "")."""
    plain = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if plain.endswith("sses"):
        return plain[:-2]
    if plain.endswith("ies"):
        return plain[:-2]
    if plain.endswith("s") and not plain.endswith("ss") and len(plain) > 1:
        return plain[:-1]
    return plain


def token_words(text: str, offsets: Integers) -> list[str]:
    """The stem of the word that each token stands in; "" for a token outside words (punctuation).

    offsets: (t, 2) half-open, in code points of `text`.
    """
    words = [(found.start(), found.end(), stem(found.group())) for found in _WORD.finditer(text)]
    ends = np.array([end for _, end, _ in words], dtype=np.int64)
    owners = np.searchsorted(ends, offsets[:, 0], side="right").tolist()
    return [
        words[owner][2] if owner < len(words) and words[owner][0] < end else ""
        for owner, end in zip(owners, offsets[:, 1].tolist(), strict=True)
    ]


class Vocabulary:
    """Words by id: 0..V-1 in the order given. Raises ValueError when a word is named twice."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        self._ids = {word: number for number, word in enumerate(self.words)}
        if len(self._ids) != len(self.words):
            raise ValueError("a vocabulary names a word twice")

    def __len__(self) -> int:
        return len(self.words)

    def ids(self, words: Sequence[str]) -> Integers:
        """(T,) ids of some words; -1 for a word that is not known."""
        return np.fromiter((self._ids.get(word, -1) for word in words), dtype=np.int64, count=len(words))
