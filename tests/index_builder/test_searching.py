"""The searches behind the port answer alike: random vectors, and vectors that tie all over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from index_builder.build import build
from index_builder.hits import CodeHits
from index_builder.index import CodeIndex
from index_builder.loader import load_folder
from index_builder.matching import FORM_BLOCK
from index_builder.searching import neighbours
from index_builder.searching.device import DeviceSearch
from index_builder.searching.neighbours import NeighbourSearch
from index_builder.searching.opening import SEARCHES, open_search
from index_builder.searching.port import CodeSearch, Mask, Storage
from index_builder.searching.product import ProductSearch
from model.encoder import Integers
from model.errors import BackendError
from model.nested import Floats, normalise, prefix
from model.search import device_matrix
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

CODES, DIMENSIONS, WIDE = 40, 16, 24
OTHERS = [name for name in SEARCHES if name != "numpy"]


def storage_of(forms: Floats, seed: int) -> Storage:
    """Forms (F, WIDE) as an artifact keeps them, spread over CODES codes, each with one at least."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.choice(np.arange(1, len(forms)), CODES - 1, replace=False))
    vectors = prefix(forms, DIMENSIONS)
    store = faiss.IndexFlatIP(DIMENSIONS)
    store.add(vectors)
    offsets = np.concatenate([[0], cuts, [len(forms)]]).astype(np.int64)
    return Storage({DIMENSIONS: vectors}, {DIMENSIONS: store}, forms.astype(np.float16), offsets)


def random_storage(seed: int) -> Storage:
    return storage_of(normalise(np.random.default_rng(seed).normal(size=(300, WIDE)).astype(np.float32)), seed)


def halves(count: int, seed: int) -> Floats:
    """Unit vectors of four halves, +- 0.5, in the first DIMENSIONS places: all their products are quarters, exactly."""
    rng = np.random.default_rng(seed)
    vectors = np.zeros((count, WIDE), dtype=np.float32)
    for vector in vectors:
        vector[rng.choice(DIMENSIONS, 4, replace=False)] = rng.choice([-0.5, 0.5], 4)
    return vectors


def assert_same(one: CodeHits, other: CodeHits) -> None:
    for name in ("positions", "scores", "spans", "forms"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
        assert getattr(one, name).dtype == getattr(other, name).dtype


masks = st.none() | arrays.arrays(np.bool_, CODES)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 999),
    spans=st.integers(1, 9),
    width=st.integers(1, CODES + 2),
    allowed=masks,
    biased=st.booleans(),
)
@pytest.mark.parametrize("exact", [False, True], ids=["stored", "cut"])
@pytest.mark.parametrize("name", OTHERS)
def test_equal_scores_are_ordered_alike(
    name: str, exact: bool, seed: int, spans: int, width: int, allowed: Mask | None, biased: bool
) -> None:
    storage, queries = storage_of(halves(200, seed), seed), halves(spans, seed + 1)[:, :DIMENSIONS]
    bias = np.random.default_rng(seed).choice([0.0, 0.25, 0.5], CODES).astype(np.float32) if biased else None
    expected, found = (
        (each.search_exact if exact else each.search)(queries, width, allowed, bias)
        for each in (ProductSearch(storage), open_search(name, storage))
    )
    assert len(np.unique(expected.scores)) <= 9  # quarters: of ten codes two at least are equal
    assert_same(expected, found)
    if len(expected):
        again = open_search(name, storage).rescore(queries, expected.positions)
        assert_same(ProductSearch(storage).rescore(queries, expected.positions), again)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), spans=st.integers(1, 9), width=st.integers(1, CODES + 2), allowed=masks)
@pytest.mark.parametrize("name", OTHERS)
def test_random_vectors_give_the_same_codes(name: str, seed: int, spans: int, width: int, allowed: Mask | None) -> None:
    storage = random_storage(seed)
    queries = normalise(np.random.default_rng(seed + 1).normal(size=(spans, DIMENSIONS)).astype(np.float32))
    bias = np.random.default_rng(seed).normal(scale=0.2, size=CODES).astype(np.float32)
    ours, theirs = ProductSearch(storage), open_search(name, storage)
    for one, other in (
        (ours.search(queries, width, allowed, bias), theirs.search(queries, width, allowed, bias)),
        (ours.search_exact(queries, width, allowed, None), theirs.search_exact(queries, width, allowed, None)),
    ):
        np.testing.assert_array_equal(one.positions, other.positions)
        np.testing.assert_array_equal(one.spans, other.spans)
        np.testing.assert_array_equal(one.forms, other.forms)
        np.testing.assert_allclose(one.scores, other.scores, atol=2e-6)


def test_faiss_asks_deeper_until_no_code_can_be_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One code has all the forms nearest to a span; the others stand behind them, beyond the first list."""
    rng = np.random.default_rng(0)
    forms = normalise(rng.normal(size=(300, WIDE)).astype(np.float32))
    forms[:200] = normalise(forms[0] + 0.01 * rng.normal(size=(200, WIDE)).astype(np.float32))
    vectors = prefix(forms, DIMENSIONS)
    store = faiss.IndexFlatIP(DIMENSIONS)
    store.add(vectors)
    offsets = np.concatenate([[0], np.arange(200, 301)]).astype(np.int64)
    storage = Storage({DIMENSIONS: vectors}, {DIMENSIONS: store}, forms.astype(np.float16), offsets)
    monkeypatch.setattr(neighbours, "FIRST", 8)
    search, asked = NeighbourSearch(storage), list[int]()
    nearest = search._nearest

    def listened(queries: Floats, deep: int) -> tuple[Floats, Integers]:
        asked.append(deep)
        return nearest(queries, deep)

    monkeypatch.setattr(search, "_nearest", listened)
    queries = prefix(np.concatenate([forms[:1], forms[250:251]]), DIMENSIONS)
    assert_same(ProductSearch(storage).search(queries, 10, None, None), search.search(queries, 10, None, None))
    assert asked == [8, 32, 128, 300]


def test_a_device_takes_the_product_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, queries = storage_of(halves(200, 3), 3), halves(5, 4)[:, :DIMENSIONS]
    whole = DeviceSearch(storage, "cpu").search(queries, 12, None, None)
    monkeypatch.setattr(device_matrix, "_SIMILARITIES", 35)  # seven forms at a time
    search = DeviceSearch(storage, "cpu")
    assert_same(whole, search.search(queries, 12, None, None))
    assert_same(whole, search.search_exact(queries, 12, None, None))
    assert_same(whole, search.rescore(queries, whole.positions))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("artifacts")
    return build(FakeCodeSet(), FakeEncoder(), artifacts, builder_version="1", prefixes=(64, 128))


@pytest.fixture(params=SEARCHES)
def index(folder: Path, request: pytest.FixtureRequest) -> Iterator[CodeIndex]:
    opened = load_folder(folder, FakeEncoder(), search=request.param)
    assert opened.search_name == request.param
    yield opened
    opened.close()


def test_an_artifact_is_opened_with_each_search(index: CodeIndex) -> None:
    """The golden queries were asked while it was loaded."""
    queries = normalise(np.random.default_rng(2).normal(size=(4, 768)).astype(np.float32))
    found = index.search(prefix(queries, 128), 5)
    again = index.rescore(queries, found.positions, 768)
    assert again.positions.tolist() == found.positions.tolist()
    np.testing.assert_allclose(index.search_exact(prefix(queries, 128), 5).scores, found.scores, atol=1e-3)
    nothing = np.zeros((0, 128), np.float32)
    assert len(index.search(nothing, 5)) == len(index.search_exact(nothing, 5)) == 0
    assert len(index.search(prefix(queries, 128), 5, np.zeros(index.catalog.code_count, dtype=bool))) == 0


def test_searches_keep_what_the_port_asks_for() -> None:
    searches: list[CodeSearch] = [open_search(name, random_storage(1)) for name in SEARCHES]
    assert [search.name for search in searches] == list(SEARCHES)


def test_an_unknown_search_and_a_missing_extra_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendError, match="numpy, torch, faiss, not 'annoy'"):
        open_search("annoy", random_storage(1))
    monkeypatch.delitem(sys.modules, "index_builder.searching.device")
    monkeypatch.setitem(sys.modules, "model.search.device_matrix", None)
    with pytest.raises(BackendError, match=r"icd-cascade\[torch\]"):
        open_search("torch", random_storage(1))


@pytest.mark.skipif(not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus(), reason="no FAISS GPU")
def test_faiss_searches_on_the_gpu_where_there_is_one() -> None:
    storage, queries = storage_of(halves(200, 5), 5), halves(6, 6)[:, :DIMENSIONS]
    search = NeighbourSearch(storage)
    assert search.on_gpu
    assert_same(ProductSearch(storage).search(queries, 20, None, None), search.search(queries, 20, None, None))


def test_reading_the_whole_matrix_is_told_block_by_block() -> None:
    told = list[int]()
    storage = replace(storage_of(halves(2000, 1), 1), tell=told.append)
    queries = halves(2, 2)
    ProductSearch(storage).search_exact(queries, 5, None, None)
    assert len(told) == -(-2000 // FORM_BLOCK) > 1  # so that pages can be given back meanwhile


@pytest.mark.parametrize("name", SEARCHES)
def test_of_wordings_that_are_as_near_but_for_the_last_bits_the_first_is_taken(name: str) -> None:
    """A note says a thing twice, in two wordings of the code: which place is read must not hang on rounding."""
    storage = random_storage(8)
    first, last = int(storage.offsets[3]), int(storage.offsets[4]) - 1
    assert first < last
    queries = normalise(storage.forms[[last, first]].astype(np.float32))
    queries = np.stack([queries[0], queries[1] * np.float32(1 - 2e-6)])  # the second form is nearer, by nothing
    found = open_search(name, storage).rescore(queries, np.array([3]))
    assert (found.forms.tolist(), found.spans.tolist()) == ([first], [1])
