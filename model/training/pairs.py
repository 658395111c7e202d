"""Training pairs: a wording as a clinician might put it, and a wording of the same code as the tables have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.training.text import Inside, Text, fold


@dataclass(frozen=True, slots=True)
class Term:
    """One wording of one code. pieces are what the index encodes; wording is the same as one string.

    weight says how often it is drawn, relative to others.
    """

    code: str
    pieces: tuple[str, ...]
    wording: str
    title: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Negative:
    """A wording that a query must not find, and its code."""

    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class Pair:
    """A query, the target that it should find, and a hard negative where one is known.

    alike: the codes that the query means as well as its own, where it says all that its code needs; None where it may
           not, and the code's ancestors and descendants may be right too
    """

    code: str
    query: Text
    target: Text
    negative: Negative | None = None
    alike: frozenset[str] | None = None

    def may_mean(self, code: str) -> bool:
        """Whether a code may be right for the query, so that it is no negative."""
        if self.alike is not None:
            return code == self.code or code in self.alike
        return _related(self.code, code)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a real note and a code that belongs to it.

    target:    the code's wording that fits best; None = any
    negatives: (code, wording) that a model took for right and that are not
    context:   where the clause stands in its passage, for encoders that pool it from there; None = encoded alone
    """

    code: str
    text: str
    target: tuple[str, ...] | None = None
    negatives: tuple[tuple[str, tuple[str, ...]], ...] = ()
    context: Inside | None = None


def not_negatives(pairs: Sequence[Pair]) -> npt.NDArray[np.bool_]:
    """(B, B): True where pair j's target must not count against query i although it is another pair.

    That is a code that query i may mean, or the same words: E11 and E11.9 are both right for "type 2 diabetes", and the
    same term stands under several codes.
    """
    asked, words = [fold(p.query) for p in pairs], [fold(p.target) for p in pairs]
    meant = np.array([[one.may_mean(other.code) for other in pairs] for one in pairs], dtype=np.bool_)
    mask = meant.reshape(len(pairs), len(pairs)) | _equal(words, words) | _equal(asked, asked)
    np.fill_diagonal(mask, False)
    return mask


def not_hard(pairs: Sequence[Pair], negatives: Sequence[Negative]) -> npt.NDArray[np.bool_]:
    """(B, N): True where a hard negative may be right for another pair: a code it may mean, or the same words."""
    texts = [fold(n.text) for n in negatives]
    mask = np.array([[p.may_mean(n.code) for n in negatives] for p in pairs], dtype=np.bool_)
    return mask.reshape(len(pairs), len(negatives)) | _equal([fold(p.target) for p in pairs], texts)


def _related(a: str, b: str) -> bool:
    return a.startswith(b) or b.startswith(a)


def _equal(a: Sequence[str], b: Sequence[str]) -> npt.NDArray[np.bool_]:
    number = {text: i for i, text in enumerate(dict.fromkeys([*a, *b]))}
    left, right = (np.array([number[t] for t in texts], dtype=np.int64) for texts in (a, b))
    return np.asarray(left[:, None] == right[None, :])
