"""What the screen of stage one promises: bounded errors, and a small rest for the float32 product."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.searching import screened
from index_builder.searching.product import ProductSearch
from index_builder.searching.screened import ScreenedSearch, quantised
from model.nested import normalise
from tests.index_builder.test_searching import CODES, DIMENSIONS, assert_same, halves, random_storage, storage_of


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), spread=st.floats(0, 30))
def test_a_row_is_as_far_from_its_bytes_as_is_said(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(7, DIMENSIONS)) * np.exp(rng.normal(scale=spread / 10, size=DIMENSIONS))
    vectors = normalise(np.vstack([rows, np.zeros((1, DIMENSIONS))]).astype(np.float32))
    held = quantised(vectors, np.arange(len(vectors)))
    assert held.values.dtype == np.uint8
    assert 1 <= held.values.min() <= held.values.max() <= 127  # two products fit into 16 bits
    back = (held.values.astype(np.float32) - 64) * held.scales[:, None]
    np.testing.assert_allclose(np.linalg.norm(vectors - back, axis=1), held.errors, atol=1e-6)
    assert held.errors[-1] == 0


def test_the_integer_products_are_those_of_the_bytes() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(1, 128, (50, 64)).astype(np.uint8)
    values[0], values[1] = 127, 1
    spans = rng.integers(-127, 128, (600, 64)).astype(np.int8)  # more than one block of them
    spans[0], spans[599] = 127, -127
    best = ScreenedSearch(random_storage(1))._maxima(values, spans)
    products = (values.astype(np.int64) - 64) @ spans.astype(np.int64).T
    np.testing.assert_array_equal(best, products.max(axis=1))


def test_few_forms_are_multiplied_again(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, again, allowed = random_storage(2), list[int](), np.arange(CODES) % 2 == 0
    queries = normalise(np.random.default_rng(4).normal(size=(3, DIMENSIONS)).astype(np.float32))
    search, exactly = ScreenedSearch(storage), ScreenedSearch._exactly

    def counted(self: ScreenedSearch, asked: np.ndarray, rows: np.ndarray) -> np.ndarray:
        again.append(len(rows))
        return exactly(self, asked, rows)

    monkeypatch.setattr(ScreenedSearch, "_exactly", counted)
    assert_same(ProductSearch(storage).search(queries, 3, allowed, None), search.search(queries, 3, allowed, None))
    assert 3 <= again[0] < len(storage.forms) / 6


def test_a_run_takes_as_many_forms_as_stay_in_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, queries = storage_of(halves(200, 5), 5), halves(6, 6)[:, :DIMENSIONS]
    allowed = np.arange(CODES) % 2 == 0
    whole = ScreenedSearch(storage).search(queries, CODES // 4, allowed, None)
    monkeypatch.setattr(screened, "_SIMILARITIES", 42)  # seven forms at a time
    monkeypatch.setattr(screened, "_EXACT_ROWS", 3)
    assert_same(whole, ScreenedSearch(storage).search(queries, CODES // 4, allowed, None))
