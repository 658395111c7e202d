"""Funnel retrieval: the shortlist shrinks while the prefix grows (Kusupati et al. 2022, section 4.3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.nested import Floats
from model.retrieval.adaptive import Retrieved, megaflops, rerank, search


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: by this prefix the best `keep` rows are kept."""

    dimensions: int
    keep: int


def check(steps: Sequence[Step]) -> None:
    """Raises ValueError unless dimensions grow, shortlists shrink and both are positive."""
    pairs = list(zip(steps, steps[1:], strict=False))
    if not steps or any(step.dimensions < 1 or step.keep < 1 for step in steps):
        raise ValueError("a funnel needs steps of at least one dimension that keep at least one row")
    if any(a.dimensions >= b.dimensions or a.keep < b.keep for a, b in pairs):
        raise ValueError("in a funnel dimensions grow and shortlists shrink")


def funnel(queries: Floats, database: Floats, steps: Sequence[Step]) -> Retrieved:
    """Queries (Q, D) through all steps over (F, D); every prefix is re-normalised."""
    check(steps)
    found = search(queries, database, steps[0].dimensions, steps[0].keep)
    for step in steps[1:]:
        found = rerank(queries, database, found.rows, step.dimensions, step.keep)
    return found


def cost(database: int, steps: Sequence[Step]) -> float:
    """MFLOP of one query through the funnel over so many rows."""
    later = [(before.keep, step.dimensions) for before, step in zip(steps, steps[1:], strict=False)]
    return megaflops(database, steps[0].dimensions, tuple(later))
