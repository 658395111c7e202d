"""Batches of training pairs, drawn so that what is easily confused meets in a batch."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from model.training.kinship import Asked, Kinship, Mistake
from model.training.pairs import Clause, Negative, Pair, Term
from model.training.text import Inside, Text
from model.training.wording import disturb, in_clause, inside

SamplerState = tuple[int, Any]  # the sampler's seed, and the state of its generator


class PairSampler:
    """Draws batches of pairs. Each batch holds groups of codes that are near each other, so in-batch negatives include
    hard ones.

    Categories are drawn by the square root of their terms' weight: injuries have half of all codes, and the
    conditions that fill ordinary notes would otherwise hardly be seen.

    partners:      codes that exclude each other (Excludes1), by code; one of them joins a group in `partner_share` of
                   the groups with a code that has any
    in_context:    queries stand inside a passage, for encoders that pool clauses from their context
    bare_share:    share of the wordings that are queries as they are, as in a list of problems; the others stand in
                   clauses of our templates
    title_share:   how often the target of a pair is its code's title; else any wording of the code
    kinship:       tells which codes a wording means; without it all ancestors and descendants are taken to be right
    near_share:    of a group, how many codes are the parent, children or siblings of its first; with `kinship`
    mistaken:      what a model took the wordings for; `mistake_share` of a group is drawn from that of its first, with
                   the mistaken wording as target
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
        title_share: float = 0.5,
        kinship: Kinship | None = None,
        near_share: float = 0.0,
        mistaken: Mapping[Asked, Sequence[Mistake]] | None = None,
        mistake_share: float = 0.0,
    ) -> None:
        self._seed = seed
        self._bare_share, self._title_share = bare_share, title_share
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
        self._kinship, self._near_share = kinship, near_share if kinship else 0.0
        self._mistaken, self._mistake_share = mistaken or {}, mistake_share

    def state(self) -> SamplerState:
        """What `restore` needs to go on with the next batch."""
        return self._seed, self._rng.getstate()

    def restore(self, state: SamplerState) -> None:
        """Go on where a sampler with the same seed stopped; the state of one with another seed is passed over."""
        seed, generator = state
        if seed == self._seed:
            self._rng.setstate(generator)

    def batch(self, size: int, group: int = 4) -> list[Pair]:
        """`size` pairs: clauses of notes in their share, the rest in groups of at most `group` codes."""
        pairs = [self._from_clause() for _ in range(round(size * self._clause_share))]
        while len(pairs) < size:
            pairs.extend(self._group(group))
        pairs = pairs[:size]
        return self._put_in_context(pairs) if self._in_context else pairs

    def _group(self, size: int) -> list[Pair]:
        """Pairs of codes that are near each other: mistakes, kin and other codes of the first one's category."""
        category = self._rng.choices(self._categories, cum_weights=self._category_weights)[0]
        first, *others = self._rng.choices(self._members[category], cum_weights=self._weights[category], k=size)
        source = self._draw(first)
        beside = [self._companion(source) or (other, None) for other in others]
        targets = dict(beside)
        codes = self._with_partner([first, *targets])
        sources = {first: source}
        return [
            self._from_term(sources.get(code) or self._draw(code), targets.get(code)) for code in dict.fromkeys(codes)
        ]

    def _companion(self, source: Term) -> tuple[str, Text | None] | None:
        """A code that the wording was mistaken for, by which wording, or one near its code; None = any."""
        if not (self._mistake_share or self._near_share):
            return None
        draw = self._rng.random()
        mistaken = self._mistaken.get((source.code, source.wording), ())
        if mistaken and draw < self._mistake_share:
            return self._rng.choice(mistaken)
        near = self._kinship.near(source.code) if self._kinship else ()
        return (self._rng.choice(near), None) if near and draw > 1 - self._near_share else None

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

    def _from_term(self, source: Term, target: Text | None = None) -> Pair:
        wording = disturb(source.wording, self._rng)
        # No draw where there is no share: a resumed run of before must see the numbers that it would have seen.
        bare = self._bare_share > 0 and self._rng.random() < self._bare_share
        query = (wording if bare else in_clause(wording, self._rng),)
        alike = self._kinship.alike(source) if self._kinship else None
        return Pair(source.code, query, target or self._target(source.code), alike=alike)

    def _target(self, code: str) -> Text:
        terms = self._by_code[code]
        titles = [t for t in terms if t.title]
        if titles and self._rng.random() < self._title_share:
            return titles[0].pieces
        return self._draw(code).pieces

    def _draw(self, code: str) -> Term:
        return self._rng.choices(self._by_code[code], cum_weights=self._term_weights[code])[0]
