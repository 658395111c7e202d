from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from app.evaluation.terms import (
    Forms,
    Integers,
    evaluate_terms,
    held_out_categories,
    hold_out,
    ranks_of,
    retrieve,
    summarise,
)
from model.nested import WIDTH, Floats, prefix

GENERATOR = np.random.default_rng(0)
NAMES = [f"{letter}{number:02d}.{leaf}" for letter in "AB" for number in range(40) for leaf in range(3)]
FORMS = Forms(
    names=NAMES,
    codes=np.repeat(np.arange(len(NAMES)), 3),
    titles=np.tile([True, False, False], len(NAMES)),
    texts=[f"{name} wording {form}" for name in NAMES for form in range(3)],
    sources=["title", "index", "drug"] * len(NAMES),
)
MATRIX = GENERATOR.standard_normal((len(FORMS.texts), WIDTH)).astype(np.float32)
MATRIX += 2 * np.repeat(GENERATOR.standard_normal((len(NAMES), WIDTH)), 3, axis=0).astype(np.float32)


def vectors(rows: Integers) -> Floats:
    return MATRIX[rows]


def test_categories_depend_on_the_seed_and_on_nothing_else() -> None:
    codes = [f"{letter}{number:02d}" for letter in "ABCDEFGHIJ" for number in range(100)]
    chosen = held_out_categories(codes, 0.1, seed=1)
    assert chosen == held_out_categories(reversed([f"{code}.9" for code in codes]), 0.1, seed=1)
    assert chosen != held_out_categories(codes, 0.1, seed=2)
    assert 60 < len(chosen) < 140
    assert held_out_categories(codes, 0.0, seed=1) == frozenset()


def test_terms_of_held_out_categories_leave_the_index_and_their_titles_stay() -> None:
    task = hold_out(FORMS, seed=0, queries=10_000)
    indexed = [(FORMS.names[FORMS.codes[row]][:3], bool(FORMS.titles[row])) for row in task.index]
    assert {category for category, title in indexed if not title}.isdisjoint(task.categories)
    assert sum(title for _, title in indexed) == len(NAMES)
    assert set(task.queries.tolist()).isdisjoint(task.index.tolist())
    assert len(task.queries) == 6 * len(task.categories) > 0


def test_a_wording_of_several_codes_is_one_query_that_means_them_all() -> None:
    shared = Forms(
        ["A00", "A01"], np.array([0, 0, 1, 1]), np.array([True, False] * 2), ["a", "Same", "b", "same"], ["index"] * 4
    )
    task = hold_out(shared, seed=0, queries=10, share=1.0)
    assert task.queries.tolist() == [1]
    assert [one.tolist() for one in task.named] == [one.tolist() for one in task.meant] == [[0, 1]]


def test_a_wording_that_stays_in_the_index_is_no_query() -> None:
    """As a title, whose row stays, or as a term of a category that is not held out."""
    chosen = next(name for name in NAMES if name[:3] in held_out_categories(NAMES, 0.5, 0))[:3]
    other = next(name for name in NAMES if name[:3] not in held_out_categories(NAMES, 0.5, 0))[:3]
    names = sorted([chosen, other])
    texts = {chosen: ["Title", "title", "shared", "own"], other: ["Other title", "other", "Shared", "more"]}
    forms = Forms(
        names,
        np.repeat([0, 1], 4),
        np.array([True, False, False, False] * 2),
        [text for name in names for text in texts[name]],
        ["index"] * 8,
    )
    task = hold_out(forms, seed=0, queries=10, share=0.5)
    assert [forms.texts[row] for row in task.queries] == ["own"]


def test_a_header_and_what_only_says_unspecified_mean_the_same_and_sides_do_not() -> None:
    titles = {
        "S04": "Injury of cranial nerve",
        "S04.2": "Injury of trochlear nerve",
        "S04.20": "Injury of trochlear nerve, unspecified side",
        "S04.20XA": "Injury of trochlear nerve, unspecified side, initial encounter",
        "S04.20XS": "Injury of trochlear nerve, unspecified side, sequela",
        "S04.22": "Injury of trochlear nerve, left side",
        "S04.22XA": "Injury of trochlear nerve, left side, initial encounter",
    }
    names = list(titles)
    texts = [text for name in names for text in (titles[name], f"other words for {name}")]
    forms = Forms(names, np.repeat(np.arange(7), 2), np.array([True, False] * 7), texts, ["index"] * 14)
    task = hold_out(forms, seed=0, queries=20, share=1.0)
    found = {
        texts[row].split()[-1]: {names[code] for code in meant}
        for row, meant in zip(task.queries, task.meant, strict=True)
    }
    vague = {"S04.2", "S04.20", "S04.20XA"}
    assert found == {
        "S04": {"S04"},
        **dict.fromkeys(vague, vague),
        "S04.20XS": {"S04.20XS"},
        "S04.22": {"S04.22", "S04.22XA"},
        "S04.22XA": {"S04.22", "S04.22XA"},
    }
    assert all(len(named) == 1 for named in task.named)


@pytest.mark.parametrize("dimensions", [64, 768])
def test_ranks_are_those_of_a_slow_search(dimensions: int) -> None:
    task = hold_out(FORMS, seed=0, queries=10)
    index, asked = prefix(MATRIX[task.index], dimensions), prefix(MATRIX[task.queries], dimensions)
    found = retrieve(FORMS, task.index, vectors, MATRIX[task.queries], dimensions)
    for query, codes, scores in zip(asked, task.named, found, strict=True):
        best: dict[int, float] = {}
        for row, similarity in zip(task.index, index @ query, strict=True):
            code = int(FORMS.codes[row])
            best[code] = max(best.get(code, -2.0), float(similarity))
        order = sorted(best, key=lambda code: (-best[code], code))
        assert ranks_of(scores, codes).tolist() == [order.index(code) + 1 for code in codes.tolist()]


def test_a_code_that_is_not_found_is_behind_all() -> None:
    scores = np.array([0.5, -np.inf, 0.5, 0.7], dtype=np.float32)
    assert ranks_of(scores, np.array([0, 1, 2, 3])).tolist() == [2, 5, 3, 1]


def test_the_summary_takes_the_best_of_several_codes_and_averages_all_in_map() -> None:
    found = summarise([np.array([1]), np.array([4, 2]), np.array([50])])
    assert found["R@1"] == pytest.approx(1 / 3)
    assert found["R@10"] == pytest.approx(2 / 3)
    assert found["MAP"] == pytest.approx((1 + (1 / 2 + 2 / 4) / 2 + 1 / 50) / 3)


def test_the_task_is_repeatable_and_wider_prefixes_find_more_here() -> None:
    def embedded(texts: Sequence[str]) -> Floats:
        return vectors(np.array([FORMS.texts.index(text) for text in texts]))

    one, other = (evaluate_terms(FORMS, vectors, embedded, 0, 100, lambda *_: None) for _ in range(2))
    assert one == other
    assert one["alone"]["R@1"] >= one["prefixes"]["768"]["R@1"]  # fewer codes to lose against
    assert one["prefixes"]["768"]["R@1 strict"] == one["prefixes"]["768"]["R@1"] > 0.3  # nothing here means the same
    assert one["prefixes"]["768"]["R@1"] >= one["prefixes"]["64"]["R@1"]
    assert {name: figures["queries"] for name, figures in one["sources"].items()}.keys() == {"drug", "index"}
    assert sum(figures["queries"] for figures in one["sources"].values()) == one["queries"]
