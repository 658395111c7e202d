"""Several code sets behind one encoder: asked for by name, encoded once, answered as one."""

from __future__ import annotations

import pytest

from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.shelf import Shelf
from app.pipeline.shelved import all_versions, catalogs_of, name_of, versions_of
from tests.app.shelves import CM, ICD9, OLD, PCS, PCS_SYSTEM, build_shelf
from tests.index_builder.fakes import FakeEncoder

NOTE = Note((Document("Acute appendicitis, laparoscopic appendectomy. Type 2 diabetes mellitus."),))


@pytest.fixture(scope="module")
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, encoder: FakeEncoder) -> Shelf:
    return build_shelf(tmp_path_factory.mktemp("artifacts"), encoder)


def ask(shelf: Shelf, *code_sets: str, top_k: int = 20) -> Coding:
    return shelf.code([NOTE], [CodingOptions(top_k=top_k, code_sets=code_sets, assertion="annotate")])[0]


def found(coding: Coding) -> list[tuple[str, str]]:
    return sorted((item.code, item.edition) for item in (*coding.codes, *coding.candidates))


def test_the_default_is_the_first(shelf: Shelf) -> None:
    assert (shelf.versions.code_set, [name_of(one) for one in shelf.catalogs]) == (CM, [CM, OLD, PCS, ICD9])
    assert ask(shelf).codes == ask(shelf, CM).codes
    assert {item.edition for item in ask(shelf).codes} == {"2026-04"}


def test_one_set_answers_as_its_pipeline_alone(shelf: Shelf) -> None:
    assert found(ask(shelf, PCS))[-1] == ("0DTJ4ZZ", "2026-04")
    assert {item.edition for item in ask(shelf, OLD).codes} == {"2025-10"}


def test_several_sets_are_one_ranking_each_code_with_its_own_system(shelf: Shelf) -> None:
    both = ask(shelf, CM, PCS)
    items = (*both.codes, *both.candidates)
    assert {"K35", "E11", "0DTJ4ZZ"} <= {item.code for item in items}
    assert {item.system for item in items if item.code == "0DTJ4ZZ"} == {PCS_SYSTEM}
    assert sorted(item.rank for item in items) == list(range(1, len(items) + 1))
    in_order = sorted(items, key=lambda item: item.rank)
    assert [item.score for item in in_order] == sorted((item.score for item in items), reverse=True)
    alone = {(item.code, item.score) for name in (CM, PCS) for item in (*ask(shelf, name).codes,)}
    assert {(item.code, item.score) for item in both.codes} <= alone


def test_top_k_counts_all_sets_together(shelf: Shelf) -> None:
    few = ask(shelf, CM, PCS, ICD9, top_k=2)
    assert len(few.codes) + len(few.candidates) == 2


def test_notes_are_encoded_once_for_all_sets_and_options(shelf: Shelf, encoder: FakeEncoder) -> None:
    encoder.calls.clear()
    options = [CodingOptions(code_sets=(CM, PCS, ICD9)), CodingOptions(), CodingOptions(code_sets=(OLD,))]
    codings = shelf.code([NOTE] * 3, options)
    assert len(encoder.calls) == 1
    assert [{item.edition for item in coding.codes} for coding in codings][1:] == [{"2026-04"}, {"2025-10"}]
    assert {"segment", "encode", "search64"} <= set(codings[0].timings_ms)


def test_versions_of_several_sets_name_each(shelf: Shelf) -> None:
    named = versions_of(shelf, (CM, PCS))
    indexes = [one.index for one in all_versions(shelf)]
    assert (named.code_set, named.index) == (f"{CM}, {PCS}", f"{indexes[0]}, {indexes[2]}")
    assert len(set(indexes)) == 4


def test_a_coder_of_one_set_is_asked_the_same_way(shelf: Shelf) -> None:
    pipeline = shelf._pipelines[PCS]
    assert [name_of(one) for one in catalogs_of(pipeline)] == [PCS]
    assert versions_of(pipeline, (PCS,)) == pipeline.versions


def test_the_shadow_follows_the_first_set_asked_for(shelf: Shelf) -> None:
    trace = shelf.trace(NOTE, CodingOptions(code_sets=(PCS, CM)), exact=True)
    assert trace.exact768 is not None
    assert set(trace.exact768.codes) <= {"0DTJ4ZZ", "0DJD8ZZ"}
