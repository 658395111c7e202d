"""Mutual information between words and codes, from coded notes: what planting starts from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.attention.vocabulary import Vocabulary
from model.attention.weights import StaticTable

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """A note as mutual information sees it: which words stand in it, which codes it has. How often does not count."""

    words: frozenset[str]
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class WordsOfCodes:
    """For every code of the notes its most telling words; values are relative to each code's largest, within 0..1."""

    table: StaticTable
    codes: Vocabulary
    words: Vocabulary

    def of(self, code: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Word ids and values of one code, most telling first."""
        kept = slice(int(self.table.rows[code]), int(self.table.rows[code + 1]))
        return self.table.words[kept], self.table.values[kept]


def mutual_information(both: Doubles, words: Doubles, codes: float, notes: int, smoothing: float = 0.5) -> Doubles:
    """I(W; C) in nats of the presence of words W and of one code C in a note.

    both (n,): notes with the word and the code; words (n,): notes with the word; codes: notes with the code.
    I(W; C) = sum over w, c in {0, 1} of p(w, c) log(p(w, c) / (p(w) p(c))) (Cover and Thomas 2006, equation 2.28;
    Manning et al. 2008, equation 13.16), each of the four counts raised by `smoothing`.
    """
    cells = np.stack([both, words - both, codes - both, notes - words - codes + both]) + smoothing  # 11, 10, 01, 00
    joint = cells / (notes + 4 * smoothing)
    word = np.stack([joint[0] + joint[1], joint[2] + joint[3]])  # p(W = 1), p(W = 0)
    code = np.stack([joint[0] + joint[2], joint[1] + joint[3]])
    apart = np.stack([word[0] * code[0], word[0] * code[1], word[1] * code[0], word[1] * code[1]])
    return np.asarray((joint * np.log(joint / apart)).sum(axis=0))


def count_words(notes: Sequence[Counts], *, keep: int = 30, least: int = 3, smoothing: float = 0.5) -> WordsOfCodes:
    """The `keep` words with the most mutual information for every code, out of words that at least `least` notes have.

    Only words that the code's notes have more often than others: a word whose absence tells a code is no evidence.
    Counted code by code over the code's own notes, so nothing as large as words x codes is ever held.
    """
    spread = Counter(word for note in notes for word in note.words if word)
    words = Vocabulary(sorted(word for word, count in spread.items() if count >= least))
    having = np.array([spread[word] for word in words.words], dtype=np.float64)
    ids = [words.ids(sorted(note.words)) for note in notes]
    ids = [known[known >= 0] for known in ids]
    codes = Vocabulary(sorted({code for note in notes for code in note.codes}))
    found = [_telling(members, ids, having, len(notes), keep, smoothing) for members in _members(notes, codes)]
    rows = np.cumsum([0, *(len(kept) for kept, _ in found)], dtype=np.int64)
    return _only_used(StaticTable(rows, _laid(found, 0, np.int64), _laid(found, 1, np.float32)), codes, words)


def _members(notes: Sequence[Counts], codes: Vocabulary) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in codes.words]
    for number, note in enumerate(notes):
        for code in codes.ids(sorted(note.codes)).tolist():
            members[code].append(number)
    return members


def _telling(
    members: Sequence[int],
    ids: Sequence[npt.NDArray[np.int64]],
    having: Doubles,
    notes: int,
    keep: int,
    smoothing: float,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    both = np.bincount(np.concatenate([ids[note] for note in members]), minlength=len(having)).astype(np.float64)
    told = np.flatnonzero(both * notes > having * len(members))
    values = mutual_information(both[told], having[told], float(len(members)), notes, smoothing)
    best = np.argsort(-values, kind="stable")[:keep]
    relative = values[best] / values[best[0]] if len(best) else values[best]
    return told[best], relative.astype(np.float32)


def _laid(found: Iterable[tuple[npt.NDArray[np.generic], ...]], part: int, dtype: npt.DTypeLike) -> npt.NDArray:  # type: ignore[type-arg]
    pieces = [one[part] for one in found]
    return np.concatenate(pieces).astype(dtype) if pieces else np.zeros(0, dtype=dtype)


def _only_used(table: StaticTable, codes: Vocabulary, words: Vocabulary) -> WordsOfCodes:
    """Words that no code keeps leave the vocabulary."""
    used, places = np.unique(table.words, return_inverse=True)
    kept = StaticTable(table.rows, places.astype(np.int64), table.values)
    return WordsOfCodes(kept, codes, Vocabulary(words.words[word] for word in used.tolist()))
