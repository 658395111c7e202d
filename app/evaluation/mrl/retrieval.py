"""Adaptive and funnel retrieval beside exact search, for held-out wordings of known and of held-out categories."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from app.evaluation.mrl.sample import Rows, Sample
from app.evaluation.run import Progress
from app.evaluation.terms import Forms, hold_out
from model.nested import PREFIXES, WIDTH, Floats
from model.retrieval.adaptive import Retrieved, adaptive, megaflops, search
from model.retrieval.funnel import Step, cost, funnel
from model.retrieval.measures import neighbour_measures

K = 10
SHORTLIST = 200
FUNNELS = (
    (Step(64, 200), Step(128, 100), Step(256, 50), Step(WIDTH, K)),
    (Step(64, 800), Step(128, 400), Step(256, 200), Step(WIDTH, K)),
)
Search = Callable[[Floats, Floats], Retrieved]


def methods(database: int) -> dict[str, tuple[Search, float]]:
    """Every search by its name, and its MFLOP per query over so many rows."""
    found: dict[str, tuple[Search, float]] = {}
    for d in PREFIXES:
        found[f"exact {d}"] = (_exact(d), megaflops(database, d))
    for short in (64, 128):
        for long in (256, WIDTH):
            name = f"adaptive {short} -> {long}, shortlist {SHORTLIST}"
            found[name] = (_adaptive(short, long), megaflops(database, short, ((SHORTLIST, long),)))
    for steps in FUNNELS:
        name = "funnel " + ", ".join(f"{step.dimensions}: {step.keep}" for step in steps)
        found[name] = (_funnel(steps), cost(database, steps))
    return found


def known_categories(vectors: Floats, sample: Sample, queries: int, tell: Progress) -> dict[str, Any]:
    """The asked wordings of the sample among its known ones; a row is relevant when it is of the same code."""
    labels = sample.labels["code"]
    asked = sample.asked[:queries]
    return _compare(vectors[sample.known], vectors[asked], labels[sample.known], labels[asked], tell)


def held_out_categories(
    forms: Forms, vectors: Callable[[Rows], Floats], seed: int, queries: int, limit: int, tell: Progress
) -> dict[str, Any]:
    """Wordings of categories of which the index has the titles only, as `icd-cascade evaluate --corpus terms` asks.

    limit: at most so many rows in the index, drawn by seed beside every meant one; 0 = all. Wordings that mean several
    codes are left out.
    """
    task = hold_out(forms, seed, 2 * queries)
    one = [i for i, named in enumerate(task.named) if len(named) == 1][:queries]
    meant = np.array([task.named[i][0] for i in one], dtype=np.int64)
    rows = _drawn(task.index, forms.codes[task.index], meant, limit, seed)
    figures = _compare(vectors(rows), vectors(task.queries[one]), forms.codes[rows], meant, tell)
    return figures | {"held_out_categories": len(task.categories)}


def _compare(database: Floats, queries: Floats, labels: Rows, meant: Rows, tell: Progress) -> dict[str, Any]:
    exact = search(queries, database, database.shape[1], K).rows
    table: dict[str, Mapping[str, float]] = {}
    wanted = methods(len(database))
    for done, (name, (method, operations)) in enumerate(wanted.items(), start=1):
        started = time.perf_counter()
        rows = method(queries, database).rows
        seconds = time.perf_counter() - started
        same = np.mean([len(set(a) & set(b)) / K for a, b in zip(rows[:, :K].tolist(), exact.tolist(), strict=True)])
        table[name] = {
            **neighbour_measures(rows, labels, meant, K),
            "agreement with exact": float(same),
            "MFLOP/query": operations,
            "ms/query": 1000 * seconds / len(queries),
        }
        tell("retrieval", done, len(wanted))
    return {"queries": len(queries), "database": len(database), "k": K, "methods": table}


def _drawn(index: Rows, codes: Rows, meant: Rows, limit: int, seed: int) -> Rows:
    if not limit or limit >= len(index):
        return index
    wanted = np.isin(codes, meant)
    others = np.flatnonzero(~wanted)
    room = max(0, min(limit - int(wanted.sum()), len(others)))
    drawn = np.random.default_rng(seed).choice(others, size=room, replace=False)
    return np.asarray(index[np.sort(np.concatenate([np.flatnonzero(wanted), drawn]))])


def _exact(dimensions: int) -> Search:
    return lambda queries, database: search(queries, database, dimensions, K)


def _adaptive(short: int, long: int) -> Search:
    return lambda queries, database: adaptive(queries, database, SHORTLIST, short, long)


def _funnel(steps: tuple[Step, ...]) -> Search:
    return lambda queries, database: funnel(queries, database, steps)
