"""A cheap measurement while training: do held-out wordings find their code's title among many titles?"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from model.training.pairs import Term
from model.training.text import Text

Embed = Callable[[Sequence[Text]], Tensor]


@dataclass(frozen=True, slots=True)
class Probe:
    """Queries, the titles that they are searched in, and for each query the row of its code's title."""

    queries: tuple[Text, ...]
    titles: tuple[Text, ...]
    right: tuple[int, ...]
    top: int = 20

    def measure(self, embed: Embed, prefixes: Sequence[int], chunk: int = 256) -> dict[int, float]:
        """recall@top by prefix: the share of queries whose title is among the `top` nearest. embed: texts -> (N, D)."""
        with torch.inference_mode():
            asked, titles = (_embedded(embed, texts, chunk) for texts in (self.queries, self.titles))
        right = torch.tensor(self.right, device=asked.device)
        found = {}
        for size in prefixes:
            q, t = (functional.normalize(vectors[:, :size], dim=-1) for vectors in (asked, titles))
            scores = q @ t.T  # (Q, T)
            own = scores.gather(1, right.unsqueeze(1))
            found[size] = float(((scores > own).sum(dim=1) < self.top).float().mean())
        return found


def hold_out(terms: Sequence[Term], *, queries: int, titles: int, seed: int) -> tuple[Probe, list[Term]]:
    """A probe over `queries` wordings that are no titles, and the terms without these wordings.

    A wording leaves with every code that has it. The titles are those of the queries' codes, filled up to `titles`
    with others. Raises ValueError where no term but titles is there to hold out.
    """
    generator = random.Random(seed)
    titled = {term.code: term.pieces for term in terms if term.title}
    candidates = [t for t in terms if not t.title and t.code in titled and t.weight >= 1]
    if not candidates:
        raise ValueError("no wording beside titles can be held out")
    chosen = generator.sample(candidates, min(queries, len(candidates)))
    own = dict.fromkeys(term.code for term in chosen)
    others = [code for code in titled if code not in own]
    codes = [*own, *generator.sample(others, min(max(0, titles - len(own)), len(others)))]
    row = {code: i for i, code in enumerate(codes)}
    gone = {term.wording.casefold() for term in chosen}
    kept = [term for term in terms if term.title or term.wording.casefold() not in gone]
    probe = Probe(tuple(t.pieces for t in chosen), tuple(titled[c] for c in codes), tuple(row[t.code] for t in chosen))
    return probe, kept


def _embedded(embed: Embed, texts: Sequence[Text], chunk: int) -> Tensor:
    return torch.cat([embed(texts[i : i + chunk]) for i in range(0, len(texts), chunk)])
