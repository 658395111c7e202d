"""Keys of wordings: a number for the telling words of a text, whatever their order, number or side.

A key is the sum of a 64-bit hash of each telling word, modulo 2^64, so that of a run of words is the difference of two
running sums. Two wordings of different words share a key by chance once in 2^64 pairs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
WORD = re.compile(r"[^\W_]+")
# words that name nothing, and the sides: codes of one wording differ in them
SILENT = frozenset(Path(__file__).with_name("tables").joinpath("silent_words.txt").read_text(encoding="utf-8").split())
_LEAST_PLURAL = 4  # letters


def word_keys(words: Sequence[str]) -> Keys:
    """(n,) uint64: the key of each word, 0 for a silent one."""
    return np.fromiter(map(_word_key, words), dtype=np.uint64, count=len(words))


def text_key(text: str) -> int:
    """The key of a whole text, 0 where it has no telling word."""
    return sum(map(_word_key, WORD.findall(text))) % 2**64


def _word_key(word: str) -> int:
    """Nothing is remembered of a word: it may be a patient's name."""
    folded = word.casefold()
    return 0 if folded in SILENT else int.from_bytes(blake2b(_singular(folded).encode(), digest_size=8).digest())


def _singular(word: str) -> str:
    if len(word) < _LEAST_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") and len(word) > _LEAST_PLURAL else word[:-1]
