from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from index_builder.build import build
from index_builder.index import CodeHits, CodeIndex, Mask
from index_builder.loader import load_folder
from index_builder.matching import SPAN_BLOCK, best_positions
from model.encoder import Integers, embed
from model.nested import Floats, normalise, prefix
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

CODES = len(FakeCodeSet().codes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("artifacts")
    return build(FakeCodeSet(), FakeEncoder(), artifacts, builder_version="1", prefixes=(64, 128))


NEARLY = 7e-6  # rescored cosines have five decimals


@pytest.fixture(scope="module")
def index(folder: Path) -> Iterator[CodeIndex]:
    opened = load_folder(folder, FakeEncoder())
    yield opened
    opened.close()


def random_queries(seed: int, spans: int, dimensions: int) -> Floats:
    return normalise(np.random.default_rng(seed).normal(size=(spans, dimensions)).astype(np.float32))


def similarities(index: CodeIndex, queries: Floats) -> Floats:
    """All spans x all forms by the prefix of the queries' width, (S, F)."""
    rows = np.arange(index.catalog.form_count)
    return np.asarray(queries @ prefix(index.vectors(rows), queries.shape[1]).T, dtype=np.float32)


def best_by_code(index: CodeIndex, similar: Floats) -> Floats:
    offsets = index.catalog.offsets
    return np.array([similar[:, a:b].max() for a, b in zip(offsets, offsets[1:], strict=False)], dtype=np.float32)


def assert_found(index: CodeIndex, hits: CodeHits, queries: Floats) -> None:
    """Scores are the maxima of their codes, and the named span and form have them."""
    similar = similarities(index, queries)
    np.testing.assert_allclose(hits.scores, best_by_code(index, similar)[hits.positions], atol=NEARLY)
    np.testing.assert_allclose(hits.scores, similar[hits.spans, hits.forms], atol=NEARLY)
    offsets = np.asarray(index.catalog.offsets)
    assert ((offsets[hits.positions] <= hits.forms) & (hits.forms < offsets[hits.positions + 1])).all()


masks = st.none() | arrays.arrays(np.bool_, CODES)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), spans=st.integers(1, 2 * SPAN_BLOCK + 3), width=st.integers(1, 40), allowed=masks)
@pytest.mark.parametrize(
    ("exact", "dimensions"), [(False, 64), (False, 128), (True, 1), (True, 64), (True, 256), (True, 768)]
)
def test_search_equals_brute_force(
    index: CodeIndex, exact: bool, dimensions: int, seed: int, spans: int, width: int, allowed: Mask | None
) -> None:
    queries = random_queries(seed, spans, dimensions)
    search = index.search_exact if exact else index.search
    hits = search(queries, width, allowed)
    permitted = np.ones(CODES, dtype=bool) if allowed is None else allowed
    assert len(hits) == min(width, int(permitted.sum()))
    assert permitted[hits.positions].all()
    assert (np.diff(hits.scores) <= 0).all()
    assert_found(index, hits, queries)
    left_out = np.setdiff1d(np.flatnonzero(permitted), hits.positions)
    if len(hits) and len(left_out):
        assert best_by_code(index, similarities(index, queries))[left_out].max() <= hits.scores[-1] + 2e-6


@settings(deadline=None)
@given(seed=st.integers(0, 999))
def test_search_of_one_span_equals_faiss(index: CodeIndex, folder: Path, seed: int) -> None:
    queries = random_queries(seed, 1, 64)
    scores, forms = faiss.read_index(str(folder / "search64.faiss")).search(queries, index.catalog.form_count)
    codes = np.searchsorted(index.catalog.offsets, forms[0], side="right") - 1
    _, first = np.unique(codes, return_index=True)  # the best form of each code is its first in faiss's order
    hits = index.search(queries, CODES)
    by_position = hits.take(np.argsort(hits.positions))
    np.testing.assert_allclose(by_position.scores, scores[0][first], atol=2e-6)
    np.testing.assert_allclose(similarities(index, queries)[0, by_position.forms], scores[0][first], atol=2e-6)


@settings(deadline=None)
@given(seed=st.integers(0, 999), positions=st.lists(st.integers(0, CODES - 1), unique=True, min_size=1))
@pytest.mark.parametrize("dimensions", [32, 256, 768])
def test_rescoring_normalises_the_prefix_and_keeps_the_order(
    index: CodeIndex, dimensions: int, seed: int, positions: list[int]
) -> None:
    queries = random_queries(seed, 5, dimensions)
    hits = index.rescore(queries, np.array(positions), dimensions)
    assert hits.positions.tolist() == positions
    assert_found(index, hits, queries)


def test_rescoring_at_64_repeats_stage_one(index: CodeIndex) -> None:
    queries = prefix(embed(FakeEncoder(), ["low iron", "fracture of knee", "hay fever for years"]), 64)
    first = index.search(queries, 10)
    again = index.rescore(queries, first.positions, 64)
    np.testing.assert_allclose(again.scores, first.scores, atol=NEARLY)
    assert again.spans.tolist() == first.spans.tolist()
    assert again.forms.tolist() == first.forms.tolist()


def test_released_pages_are_read_again(index: CodeIndex) -> None:
    rows = np.arange(index.catalog.form_count)
    before = index.vectors(rows)
    index.release()
    assert np.array_equal(index.vectors(rows), before)


def test_what_is_read_from_the_matrix_is_counted(index: CodeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    monkeypatch.setattr(index._pages, "count", counted.append)
    monkeypatch.setattr(index._pages, "release", lambda: counted.append(-1))
    queries = random_queries(1, 2, 768)
    index.rescore(queries, np.array([0, 1, 2]), 768)
    index.vectors(np.arange(5))
    index.search(prefix(queries, 64), 4)
    index.search_exact(queries, 3)  # reads all of it
    assert counted == [3, 5, 4, -1]


def test_a_form_is_found_by_its_own_words(index: CodeIndex) -> None:
    queries = embed(FakeEncoder(), ["nothing to see", "hay fever"])
    best = index.search(prefix(queries, 64), 200).top(1)
    assert index.catalog.entry(int(best.positions[0])).code == "J30"
    assert index.catalog.form(int(best.forms[0])).text == "hay fever"
    assert best.spans.tolist() == [1]
    assert best.scores[0] == pytest.approx(1, abs=1e-3)


def test_vectors_held_in_memory_give_the_same_as_the_mapped_ones(index: CodeIndex) -> None:
    queries = random_queries(5, 9, 256)
    held = prefix(index.vectors(np.arange(index.catalog.form_count)), 256)
    one, two = index.search_in(held, queries, 20), index.search_exact(queries, 20)
    for name in ("positions", "spans", "forms"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_allclose(one.scores, two.scores, atol=2e-6)


def test_repeated_search_is_identical(index: CodeIndex) -> None:
    queries = random_queries(3, 17, 64)
    one, two = index.search(queries, 20), index.search(queries.copy(), 20)
    for name in ("positions", "scores", "spans", "forms"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_note_without_spans_finds_nothing(index: CodeIndex) -> None:
    hits = index.search(np.zeros((0, 64), np.float32), 20)
    assert len(hits) == 0
    assert len(index.rescore(np.zeros((0, 256), np.float32), hits.positions, 256)) == 0


def test_nothing_allowed_finds_nothing(index: CodeIndex) -> None:
    assert len(index.search(random_queries(0, 2, 64), 20, np.zeros(CODES, dtype=bool))) == 0


def test_prefix_without_an_index_is_refused(index: CodeIndex) -> None:
    with pytest.raises(ValueError, match="100 dimensions"):
        index.search(random_queries(0, 2, 100), 20)
    with pytest.raises(ValueError, match="769 dimensions"):
        index.search_exact(random_queries(0, 2, 769), 20)
    with pytest.raises(ValueError, match="256"):
        index.rescore(random_queries(0, 2, 64), np.array([1]), 256)


@settings(deadline=None)
@given(scores=arrays.arrays(np.float32, 12, elements=st.sampled_from([0.0, 0.25, 0.5])), width=st.integers(1, 15))
def test_ties_are_broken_by_position(scores: Floats, width: int) -> None:
    expected = sorted(range(12), key=lambda p: (-scores[p], p))[:width]
    assert best_positions(scores, width, None).tolist() == expected
    shuffled: Integers = np.random.default_rng(0).permutation(12)
    nothing = np.zeros(12, dtype=np.int64)
    assert CodeHits(shuffled, scores[shuffled], nothing, nothing).top(width).positions.tolist() == expected
