"""Training pairs: a wording as a clinician might put it, and a wording of the same code as the tables have it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from model.training.text import Inside, Text, fold
from model.training.wording import disturb, in_clause, inside

SamplerState = tuple[int, Any]  # the sampler's seed, and the state of its generator


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
    """A query, the target that it should find, and a hard negative where one is known."""

    code: str
    query: Text
    target: Text
    negative: Negative | None = None


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


class PairSampler:
    """Draws batches of pairs. Each batch holds groups of siblings, so in-batch negatives include hard ones.

    Categories are drawn by the square root of their terms' weight: injuries have half of all codes, and the
    conditions that fill ordinary notes would otherwise hardly be seen.

    partners:      codes that exclude each other (Excludes1), by code; one of them joins a group in `partner_share` of
                   the groups with a code that has any
    in_context:    queries stand inside a passage, for encoders that pool clauses from their context
    bare_share:    share of the wordings that are queries as they are, as in a list of problems; the others stand in
                   clauses of our templates
    """

    def __init__(
        self,
        terms: Sequence[Term],
        clauses: Sequence[Clause],
        *,
        seed: int,
        clause_share: float,
        partners: Mapping[str, Sequence[str]] | None = None,
        partner_share: float = 0.5,
        in_context: bool = False,
        bare_share: float = 0.0,
    ) -> None:
        self._seed = seed
        self._bare_share = bare_share
        self._rng = random.Random(seed)
        self._in_context = in_context
        self._by_code: dict[str, list[Term]] = defaultdict(list)
        for term in terms:
            self._by_code[term.code].append(term)
        self._clauses = [c for c in clauses if c.code in self._by_code]
        self._clause_share = clause_share if self._clauses else 0.0
        by_category: dict[str, list[str]] = defaultdict(list)
        for code in self._by_code:
            by_category[code[:3]].append(code)
        self._categories = sorted(by_category)
        self._members = {c: sorted(by_category[c]) for c in self._categories}
        weight = {code: sum(t.weight for t in of_code) for code, of_code in self._by_code.items()}
        self._weights = {c: list(accumulate(weight[m] for m in self._members[c])) for c in self._categories}
        self._category_weights = list(accumulate(self._weights[c][-1] ** 0.5 for c in self._categories))
        self._term_weights = {c: list(accumulate(t.weight for t in ts)) for c, ts in self._by_code.items()}
        known = {code: [p for p in given if p in self._by_code] for code, given in (partners or {}).items()}
        self._partners = {code: given for code, given in known.items() if given}
        self._partner_share = partner_share

    def state(self) -> SamplerState:
        """What `restore` needs to go on with the next batch."""
        return self._seed, self._rng.getstate()

    def restore(self, state: SamplerState) -> None:
        """Go on where a sampler with the same seed stopped; the state of one with another seed is passed over."""
        seed, generator = state
        if seed == self._seed:
            self._rng.setstate(generator)

    def batch(self, size: int, group: int = 4) -> list[Pair]:
        """`size` pairs: clauses of notes in their share, the rest in groups of `group` codes of one category."""
        pairs = [self._from_clause() for _ in range(round(size * self._clause_share))]
        while len(pairs) < size:
            category = self._rng.choices(self._categories, cum_weights=self._category_weights)[0]
            members = self._members[category]
            drawn = self._rng.choices(members, cum_weights=self._weights[category], k=group)
            pairs.extend(self._from_terms(code) for code in dict.fromkeys(self._with_partner(drawn)))
        pairs = pairs[:size]
        return self._put_in_context(pairs) if self._in_context else pairs

    def _with_partner(self, drawn: list[str]) -> list[str]:
        """The group with one code excluded by one of its members in the last place, where it gets one."""
        excluding = next((code for code in drawn if code in self._partners), None)
        if excluding is None or self._rng.random() >= self._partner_share:
            return drawn
        return [*dict.fromkeys([excluding, *drawn])][: max(1, len(drawn) - 1)] + [
            self._rng.choice(self._partners[excluding])
        ]

    def _put_in_context(self, pairs: list[Pair]) -> list[Pair]:
        """Queries without a context of their own stand between words of other queries of the batch."""
        plain = [str(p.query[0]) for p in pairs]
        return [
            p
            if isinstance(p.query[0], Inside)
            else replace(p, query=(inside(str(p.query[0]), self._rng.sample(plain, min(3, len(plain))), self._rng),))
            for p in pairs
        ]

    def _from_clause(self) -> Pair:
        clause = self._rng.choice(self._clauses)
        target = clause.target if clause.target and self._rng.random() < 0.5 else self._target(clause.code)
        negative = Negative(*self._rng.choice(clause.negatives)) if clause.negatives else None
        query = clause.context if self._in_context and clause.context else clause.text
        return Pair(clause.code, (query,), target, negative)

    def _from_terms(self, code: str) -> Pair:
        source = self._draw(code)
        wording = disturb(source.wording, self._rng)
        # No draw where there is no share: a resumed run of before must see the numbers that it would have seen.
        bare = self._bare_share > 0 and self._rng.random() < self._bare_share
        return Pair(code, (wording if bare else in_clause(wording, self._rng),), self._target(code))

    def _target(self, code: str) -> Text:
        terms = self._by_code[code]
        titles = [t for t in terms if t.title]
        if titles and self._rng.random() < 0.5:
            return titles[0].pieces
        return self._draw(code).pieces

    def _draw(self, code: str) -> Term:
        return self._rng.choices(self._by_code[code], cum_weights=self._term_weights[code])[0]


def not_negatives(pairs: Sequence[Pair]) -> npt.NDArray[np.bool_]:
    """(B, B): True where pair j's target must not count against query i although it is another pair.

    That is the same code, a parent or child of it, or the same words: E11 and E11.9 are both right for "type 2
    diabetes", and the same term stands under several codes.
    """
    codes = [p.code for p in pairs]
    asked, words = [fold(p.query) for p in pairs], [fold(p.target) for p in pairs]
    related = np.array([[_related(a, b) for b in codes] for a in codes], dtype=np.bool_).reshape(len(pairs), len(pairs))
    mask = related | _equal(words, words) | _equal(asked, asked)
    np.fill_diagonal(mask, False)
    return mask


def not_hard(pairs: Sequence[Pair], negatives: Sequence[Negative]) -> npt.NDArray[np.bool_]:
    """(B, N): True where a hard negative of one pair may be right for another: a related code or the same words."""
    codes, texts = [n.code for n in negatives], [fold(n.text) for n in negatives]
    mask = np.array([[_related(p.code, c) for c in codes] for p in pairs], dtype=np.bool_)
    return mask.reshape(len(pairs), len(negatives)) | _equal([fold(p.target) for p in pairs], texts)


def _related(a: str, b: str) -> bool:
    return a.startswith(b) or b.startswith(a)


def _equal(a: Sequence[str], b: Sequence[str]) -> npt.NDArray[np.bool_]:
    number = {text: i for i, text in enumerate(dict.fromkeys([*a, *b]))}
    left, right = (np.array([number[t] for t in texts], dtype=np.int64) for texts in (a, b))
    return np.asarray(left[:, None] == right[None, :])
