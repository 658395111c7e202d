"""Term -> code retrieval with a category split: does an unseen wording find its code by meaning?

The terms of a tenth of the 3-character categories are taken out of the index; their titles stay. Every wording taken
out is a query, encoded as a clause of a note would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from app.evaluation.errors import EvaluationError
from app.evaluation.run import Progress
from app.pipeline.families import FULL_LENGTH, Families
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import FormSource
from model.metrics.ranking import CATEGORY_LENGTH
from model.nested import PREFIXES, Floats, prefix
from model.training.kinship import telling_words

Integers = npt.NDArray[np.int64]
Vectors = Callable[[Integers], Floats]  # rows (n,) -> (n, D) float32
Embedded = Callable[[Sequence[str]], Floats]  # texts -> (n, D) float32

SHARE = 0.1  # of the categories

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
    """Rows of the forms that stay in the index, one row per query, and what each query means.

    named: the codes (places) that the tables give the wording to
    meant: those, and the codes whose titles say the same as one of theirs (`_same_title`)
    categories: whose terms are out
    """

    index: Integers
    queries: Integers
    named: tuple[Integers, ...]
    meant: tuple[Integers, ...]
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
    or as a term of a category that is not held out, is no query: nothing was held out.
    """
    chosen = held_out_categories(forms.names, share, seed)
    held = np.array([name[:CATEGORY_LENGTH] in chosen for name in forms.names], dtype=np.bool_)
    out = held[forms.codes] & ~forms.titles
    staying = {forms.texts[row].casefold() for row in np.flatnonzero(~out).tolist()}
    wordings: dict[str, list[int]] = {}
    for row in np.flatnonzero(out).tolist():
        if (wording := forms.texts[row].casefold()) not in staying:
            wordings.setdefault(wording, []).append(row)
    kept = sorted(wordings, key=lambda text: (fraction(seed, text), text))[:queries]
    rows = [wordings[text] for text in kept]
    named = tuple(np.unique(forms.codes[same]) for same in rows)
    alike = _same_title(forms)
    return TermTask(
        index=np.flatnonzero(~out).astype(np.int64),
        queries=np.array([same[0] for same in rows], dtype=np.int64),
        named=named,
        meant=tuple(np.unique([other for code in codes.tolist() for other in alike[code]]) for codes in named),
        categories=chosen,
    )


def _same_title(forms: Forms) -> list[list[int]]:
    """For each code the places of those that mean the same to whoever says no more: itself first.

    A header and the code below it that only adds "unspecified" have one meaning: the alphabetic index gives now the one
    ("syndactyly": Q70.9), now the other ("leg pain": M79.60-). So have a header and the first of its codes with a 7th
    character, which the index leaves to the coder. Sides, and all else that titles say, stay apart.
    """
    titles = {int(forms.codes[row]): forms.texts[row] for row in np.flatnonzero(forms.titles).tolist()}
    plain = {name.replace(".", ""): place for place, name in enumerate(forms.names)}
    header = {
        place: plain[name[:-1].rstrip("X")]
        for name, place in plain.items()
        if len(name) == FULL_LENGTH and name[:-1].rstrip("X") in plain
    }
    said: dict[str, list[int]] = {}
    seen = set()
    for place in range(len(forms.names)):
        if (above := header.get(place)) is not None:
            if above in seen:
                continue  # of those with a 7th character only the first is what is meant where nothing is said
            seen.add(above)
        said.setdefault(telling_words(titles.get(place if above is None else above, "")), []).append(place)
    alike = [[place] for place in range(len(forms.names))]
    for same in said.values():
        for place in same:
            own = forms.names[place]
            alike[place] += [
                other
                for other in same
                if other != place and (own.startswith(forms.names[other]) or forms.names[other].startswith(own))
            ]
    return alike


def retrieve(
    forms: Forms, index: Integers, vectors: Vectors, asked: Floats, dimensions: int
) -> Iterator[npt.NDArray[np.float32]]:
    """For each query the similarity of every code, (C,): that of its best form; -inf for a code without one.

    index: rows of the forms that are searched. asked: (Q, D), not normalised.
    """
    rows = _prefixes(vectors, index, dimensions)
    starts = np.flatnonzero(np.diff(forms.codes[index], prepend=-1))
    found = forms.codes[index][starts]
    for start in range(0, len(asked), _QUERY_BLOCK):
        similar = prefix(asked[start : start + _QUERY_BLOCK], dimensions) @ rows.T
        for best in np.maximum.reduceat(similar, starts, axis=1):
            scores = np.full(len(forms.names), -np.inf, dtype=np.float32)
            scores[found] = best
            yield scores


def ranks_of(scores: Floats, places: Integers) -> Integers:
    """The rank of each of these codes, 1 = best, ties by code; one that was not found is behind all."""
    return np.array([_rank(scores, place) for place in places.tolist()], dtype=np.int64)


def summarise(ranks: Sequence[Integers]) -> dict[str, float]:
    """R@1 and R@10: share of queries with one of the meant codes that high. MAP over all meant codes."""
    best = np.array([one.min() for one in ranks], dtype=np.float64)
    precisions = [float(np.mean(np.arange(1, len(one) + 1) / np.sort(one))) for one in ranks]
    return {"R@1": float(np.mean(best <= 1)), "R@10": float(np.mean(best <= 10)), "MAP": float(np.mean(precisions))}


def evaluate_terms(
    forms: Forms, vectors: Vectors, embedded: Embedded, seed: int, queries: int, progress: Progress
) -> dict[str, Any]:
    """The figures of the task at each prefix. embedded: texts -> (Q, D), as serving encodes a clause.

    Twice: for the codes that a wording means, where one code stands for those that differ in the 7th character only, as
    in the service's search; and strictly, for the codes that the tables name, among all codes. `alone`: at full width,
    the codes of the held-out categories ranked among themselves, where no code has more wordings than another.
    Raises EvaluationError when there is nothing to ask.
    """
    task = hold_out(forms, seed, queries)
    if not len(task.queries):
        raise EvaluationError("the held-out categories have no terms beside their titles")
    asked = embedded([forms.texts[row] for row in task.queries.tolist()])
    apart = ~Families(forms.names).representatives(None)
    others = np.array([name[:CATEGORY_LENGTH] not in task.categories for name in forms.names], dtype=np.bool_)
    figures: dict[str, dict[str, float]] = {}
    meant: list[Integers] = []
    alone: list[Integers] = []
    for done, dimensions in enumerate(PREFIXES, start=1):
        meant, strict, alone = [], [], []
        for query, scores in enumerate(retrieve(forms, task.index, vectors, asked, dimensions)):
            strict.append(ranks_of(scores, task.named[query]))
            scores[apart] = -np.inf
            meant.append(ranks_of(scores, task.meant[query]))
            scores[others] = -np.inf
            alone.append(ranks_of(scores, task.meant[query]))
        strictly = {f"{name} strict": value for name, value in summarise(strict).items()}
        figures[str(dimensions)] = summarise(meant) | strictly
        progress("searching by prefix", done, len(PREFIXES))
    return {
        "seed": seed,
        "queries": len(task.queries),
        "forms_in_index": len(task.index),
        "share": SHARE,
        "held_out_categories": len(task.categories),
        "prefixes": figures,
        "alone": summarise(alone),
        "sources": _by_source([forms.sources[row] for row in task.queries.tolist()], meant),
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


def _rank(scores: Floats, place: int) -> int:
    score = scores[place]
    if np.isneginf(score):
        return len(scores) + 1
    return 1 + int((scores > score).sum()) + int((scores[:place] == score).sum())


def fraction(seed: int, text: str) -> float:
    """A number in [0, 1) that depends on the seed and the text only."""
    digest = blake2b(f"{seed}:{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
