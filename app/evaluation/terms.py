"""Term -> code retrieval with a category split: does an unseen wording find its code by meaning?

The terms of a tenth of the 3-character categories are taken out of the index; their titles stay. Every wording taken
out is a query. No encoding is needed: the index already holds the vector of every form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from app.evaluation.errors import EvaluationError
from app.evaluation.run import Progress
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import FormSource
from model.metrics.ranking import CATEGORY_LENGTH
from model.nested import PREFIXES, Floats, prefix

Integers = npt.NDArray[np.int64]
Vectors = Callable[[Integers], Floats]  # rows (n,) -> (n, D) float32

SHARE = 0.1  # of the categories
FULL_LENGTH = 7  # of a code with its 7th character

_QUERY_BLOCK = 128
_FORM_BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class Forms:
    """The surface forms of a catalog, F of them, those of one code next to each other.

    names:  (C,) codes, sorted
    codes:  (F,) int64, ascending, the place in `names` of each form's code
    titles: (F,) bool, the form is the code's title
    texts:  (F,) the wordings
    sources: (F,) the table that each comes from
    """

    names: Sequence[str]
    codes: Integers
    titles: npt.NDArray[np.bool_]
    texts: Sequence[str]
    sources: Sequence[str]


def read_forms(catalog: Catalog) -> Forms:
    """Every form of a catalog, in the order of its rows."""
    forms = catalog.forms()
    return Forms(
        names=catalog.code_names,
        codes=np.repeat(np.arange(catalog.code_count), np.diff(catalog.offsets)),
        titles=np.array([form.source is FormSource.TITLE for form in forms], dtype=np.bool_),
        texts=[form.text for form in forms],
        sources=[form.source.value for form in forms],
    )


@dataclass(frozen=True, slots=True)
class TermTask:
    """Rows of the forms that stay in the index, one row per query, the codes (places) that each query means, and the
    categories whose terms are out."""

    index: Integers
    queries: Integers
    gold: tuple[Integers, ...]
    categories: frozenset[str]


def held_out_categories(codes: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """The 3-character categories whose terms are held out, by hash of seed and category: the same on every machine.

    Training with held-out terms and this evaluation must name the same share and seed.
    """
    categories = {code[:CATEGORY_LENGTH] for code in codes}
    return frozenset(category for category in categories if fraction(seed, category) < share)


def hold_out(forms: Forms, seed: int, queries: int, share: float = SHARE) -> TermTask:
    """Take the terms of the held-out categories out of the index and choose at most `queries` of them, by hash.

    A wording of several codes is one query that means them all. One that stays in the index, as the title of a header
    or as a term of a category that is not held out, is no query: nothing was held out. A code with its 7th character
    means its header without it too, as the alphabetic index gives the header and leaves that character to the coder.
    """
    chosen = held_out_categories(forms.names, share, seed)
    held = np.array([name[:CATEGORY_LENGTH] in chosen for name in forms.names], dtype=np.bool_)
    out = held[forms.codes] & ~forms.titles
    staying = {forms.texts[row].casefold() for row in np.flatnonzero(~out).tolist()}
    wordings: dict[str, list[int]] = {}
    for row in np.flatnonzero(out).tolist():
        if (wording := forms.texts[row].casefold()) not in staying:
            wordings.setdefault(wording, []).append(row)
    headers = _headers(forms.names)
    kept = sorted(wordings, key=lambda text: (fraction(seed, text), text))[:queries]
    rows = [wordings[text] for text in kept]
    return TermTask(
        index=np.flatnonzero(~out).astype(np.int64),
        queries=np.array([same[0] for same in rows], dtype=np.int64),
        gold=tuple(
            np.unique([*forms.codes[same], *(headers.get(code, code) for code in forms.codes[same])]) for same in rows
        ),
        categories=chosen,
    )


def _headers(names: Sequence[str]) -> dict[int, int]:
    """The place of each 7-character code's header without the 7th character and the placeholders before it."""
    plain = {name.replace(".", ""): place for place, name in enumerate(names)}
    return {
        place: plain[head]
        for name, place in plain.items()
        if len(name) == FULL_LENGTH and (head := name[:-1].rstrip("X")) in plain
    }


def retrieve(forms: Forms, task: TermTask, vectors: Vectors, dimensions: int) -> list[Integers]:
    """The rank of every meant code, 1 = best, for each query: codes by their best form, ties by code."""
    index = _prefixes(vectors, task.index, dimensions)
    asked = _prefixes(vectors, task.queries, dimensions)
    starts = np.flatnonzero(np.diff(forms.codes[task.index], prepend=-1))
    place = np.full(len(forms.names), -1, dtype=np.int64)  # a code without a form in the index is never found
    place[forms.codes[task.index][starts]] = np.arange(len(starts))
    ranks = []
    for start in range(0, len(asked), _QUERY_BLOCK):
        scores = np.maximum.reduceat(asked[start : start + _QUERY_BLOCK] @ index.T, starts, axis=1)
        for row, best in enumerate(scores):
            ranks.append(_ranks(best, place[task.gold[start + row]]))
    return ranks


def summarise(ranks: Sequence[Integers]) -> dict[str, float]:
    """R@1 and R@10: share of queries with one of the meant codes that high. MAP over all meant codes."""
    best = np.array([one.min() for one in ranks], dtype=np.float64)
    precisions = [float(np.mean(np.arange(1, len(one) + 1) / np.sort(one))) for one in ranks]
    return {"R@1": float(np.mean(best <= 1)), "R@10": float(np.mean(best <= 10)), "MAP": float(np.mean(precisions))}


def evaluate_terms(forms: Forms, vectors: Vectors, seed: int, queries: int, progress: Progress) -> dict[str, Any]:
    """The figures of the task at each prefix. Raises EvaluationError when there is nothing to ask."""
    task = hold_out(forms, seed, queries)
    if not len(task.queries):
        raise EvaluationError("the held-out categories have no terms beside their titles")
    figures: dict[str, dict[str, float]] = {}
    ranks: list[Integers] = []
    for done, dimensions in enumerate(PREFIXES, start=1):
        ranks = retrieve(forms, task, vectors, dimensions)
        figures[str(dimensions)] = summarise(ranks)
        progress("searching by prefix", done, len(PREFIXES))
    return {
        "seed": seed,
        "queries": len(task.queries),
        "forms_in_index": len(task.index),
        "share": SHARE,
        "held_out_categories": len(task.categories),
        "prefixes": figures,
        "sources": _by_source([forms.sources[row] for row in task.queries.tolist()], ranks),
    }


def _by_source(sources: Sequence[str], ranks: Sequence[Integers]) -> dict[str, dict[str, float]]:
    """The figures of the queries of each table: a drug's name does not mean its code, a synonym does."""
    by_source: dict[str, list[Integers]] = {}
    for source, rank in zip(sources, ranks, strict=True):
        by_source.setdefault(source, []).append(rank)
    return {source: {"queries": len(found), **summarise(found)} for source, found in sorted(by_source.items())}


def _prefixes(vectors: Vectors, rows: Integers, dimensions: int) -> Floats:
    """Unit prefixes of some rows, block by block: the full-width copy of a large index need not exist."""
    out = np.empty((len(rows), dimensions), dtype=np.float32)
    for start in range(0, len(rows), _FORM_BLOCK):
        block = rows[start : start + _FORM_BLOCK]
        out[start : start + len(block)] = prefix(vectors(block), dimensions)
    return out


def _ranks(scores: Floats, places: Integers) -> Integers:
    found = [_rank(scores, place) for place in places[places >= 0].tolist()]
    lost = [len(scores) + 1] * int((places < 0).sum())
    return np.array(found + lost, dtype=np.int64)


def _rank(scores: Floats, place: int) -> int:
    score = scores[place]
    return 1 + int((scores > score).sum()) + int((scores[:place] == score).sum())


def fraction(seed: int, text: str) -> float:
    """A number in [0, 1) that depends on the seed and the text only."""
    digest = blake2b(f"{seed}:{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
