"""Searching an extract of the allowed codes finds what a search of all forms finds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.searching import extract
from index_builder.searching.extract import Extracts
from index_builder.searching.port import Mask, Storage
from index_builder.searching.product import ProductSearch
from model.nested import Floats, normalise
from tests.index_builder.test_searching import CODES, DIMENSIONS, assert_same, halves, random_storage, storage_of


def kept(storage: Storage) -> Extracts[Floats]:
    return Extracts(storage, lambda vectors, rows: vectors[rows])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), share=st.floats(0, 0.6), width=st.integers(1, CODES + 2), biased=st.booleans())
def test_the_same_codes_forms_and_spans_are_found(seed: int, share: float, width: int, biased: bool) -> None:
    storage = storage_of(halves(120, seed), seed)  # products are exact, and tie all over
    rng = np.random.default_rng(seed)
    queries = halves(5, seed + 1)[:, :DIMENSIONS]
    allowed = rng.random(CODES) < share
    bias = np.asarray(rng.integers(-2, 2, CODES) / 4, dtype=np.float32) if biased else None
    search = ProductSearch(storage)
    whole = search.search_in(storage.prefixes[DIMENSIONS], queries, width, allowed, bias)
    assert_same(search.search(queries, width, allowed, bias), whole)


def test_an_extract_holds_the_allowed_codes_forms_in_order() -> None:
    storage = random_storage(4)
    allowed = np.zeros(CODES, dtype=np.bool_)
    allowed[[3, 4, 17]] = True
    found = kept(storage).of(allowed, DIMENSIONS)
    assert found is not None
    expected = [row for code in (3, 4, 17) for row in range(storage.offsets[code], storage.offsets[code + 1])]
    assert found.codes.tolist() == [3, 4, 17]
    assert found.rows.tolist() == expected
    np.testing.assert_array_equal(found.held, storage.prefixes[DIMENSIONS][expected])
    spread = found.spread(np.arange(len(expected), dtype=np.float32), len(storage.forms))
    assert np.flatnonzero(spread >= 0).tolist() == expected


@pytest.mark.parametrize(
    "allowed", [np.ones(CODES, dtype=np.bool_), np.zeros(CODES, dtype=np.bool_)], ids=["all", "none"]
)
def test_nothing_is_copied_where_nothing_is_gained(allowed: Mask) -> None:
    storage = random_storage(5)
    assert kept(storage).of(allowed, DIMENSIONS) is None
    queries = normalise(np.random.default_rng(5).normal(size=(2, DIMENSIONS)).astype(np.float32))
    assert len(ProductSearch(storage).search(queries, 7, allowed, None)) == (7 if allowed.all() else 0)


def test_the_last_extracts_are_kept_and_no_more() -> None:
    extracts, masks = kept(random_storage(6)), [np.arange(CODES) == code for code in range(3)]
    first = extracts.of(masks[0], DIMENSIONS)
    assert extracts.of(masks[1], DIMENSIONS) is not first
    assert extracts.of(masks[0], DIMENSIONS) is first  # used last now
    extracts.of(masks[2], DIMENSIONS)
    assert extracts.of(masks[0], DIMENSIONS) is first
    assert len(extracts._kept) == extract.KEPT


def test_threads_share_one_extract() -> None:
    extracts, mask = kept(random_storage(7)), np.arange(CODES) < 9
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: extracts.of(mask.copy(), DIMENSIONS), range(32)))
    assert all(one is found[0] for one in found)
