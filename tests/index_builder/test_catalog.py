"""The catalog file: what goes in comes out, whoever asks, whatever they type."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index_builder.catalog import Catalog, CatalogError
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.word_keys import text_key

CODES = (
    Code("J45", "Asthma", None, False, {"includes": ("atopic asthma",)}),
    Code("E11", "Type 2 diabetes mellitus", None, False, {}),
    Code("E11.62", "Type 2 diabetes mellitus with skin complications", "E11", False, {}),
    Code("E11.621", "Type 2 diabetes mellitus with foot ulcer", "E11.62", True, {}),
)
FORMS = (
    *(SurfaceForm(code.code, code.title, FormSource.TITLE) for code in CODES),
    SurfaceForm("E11.621", "diabetic foot ulcer", FormSource.INDEX),
    SurfaceForm("E11.621", "Diabetic  foot-ulcer", FormSource.DISEASE_ONTOLOGY),
    SurfaceForm("J45", "Ménière-like wheeze, initial", FormSource.INDEX, 18),
)


@dataclass(frozen=True)
class SmallSet:
    name: str = "small"
    edition: str = "2026-04"
    system: str = "urn:small"
    extra: tuple[SurfaceForm, ...] = ()

    def codes(self) -> Sequence[Code]:
        return CODES

    def forms(self) -> Sequence[SurfaceForm]:
        return (*FORMS, *self.extra)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    catalog = Catalog.write(SmallSet(), tmp_path_factory.mktemp("small") / "catalog.sqlite")
    yield catalog
    catalog.close()


def test_codes_and_forms_come_back_sorted_by_code(small: Catalog) -> None:
    assert list(small.code_names) == ["E11", "E11.62", "E11.621", "J45"]
    assert small.billable.tolist() == [False, False, True, False]
    assert [small.entry(position) for position in range(4)] == [CODES[1], CODES[2], CODES[3], CODES[0]]
    assert small.forms(*small.offsets[3:5]) == [FORMS[0], FORMS[6]]
    assert (small.name, small.edition, small.system) == ("small", "2026-04", "urn:small")


def test_forms_of_one_code_that_differ_in_case_and_punctuation_are_one(small: Catalog) -> None:
    start, stop = small.offsets[2:4]
    assert [form.text for form in small.forms(start, stop)] == [CODES[3].title, "diabetic foot ulcer"]
    assert small.form_count == 6 and small.form(int(start) + 1) == FORMS[4]


@pytest.mark.parametrize("written", ["E11.621", "e11621", " E11.621 "])
def test_a_code_is_found_however_it_is_written(small: Catalog, written: str) -> None:
    assert small.position(written) == 2


@pytest.mark.parametrize("written", ["", "E11.6", "Z99", "é"])
def test_what_is_no_code_has_no_position(small: Catalog, written: str) -> None:
    assert small.position(written) is None


def test_the_hierarchy_can_be_walked_both_ways(small: Catalog) -> None:
    assert small.ancestors(2) == [1, 0] and small.ancestors(0) == []
    assert small.children(0) == [1] and small.children(2) == []
    assert small.children(int(np.int64(1))) == [2]


def test_prefixes_limit_the_codes(small: Catalog) -> None:
    assert small.within(["e11.6", "J"]).tolist() == [False, True, True, True]
    assert small.within(["e1162"]).tolist() == [False, True, True, False]
    assert not small.within([""]).any() and not small.within([]).any()


def test_words_find_codes_by_form_and_by_code(small: Catalog) -> None:
    assert small.search("foot ulc", 5) == [2]
    assert small.search("meniere", 5) == [3]
    assert small.search("e11", 2) == [0, 1]
    assert small.search("diabetes", 1) == [0]
    assert small.search("diabetes", 0) == small.search("  ", 5) == []


def test_wordings_name_their_codes(small: Catalog) -> None:
    keys = np.array([text_key(text) for text in ("Foot ulcers, diabetic", "asthma", "ulcer")], dtype=np.uint64)
    begins, ends = small.named(keys)
    named = [[small.code_names[p] for p in small.named_codes[a:b]] for a, b in zip(begins, ends, strict=True)]
    assert named == [["E11.621"], ["J45"], []]


@given(st.text(max_size=30) | st.text(alphabet="\"*()^:-+ANDORTEfo '", max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_text_is_read_as_search_syntax(small: Catalog, words: str) -> None:
    assert all(0 <= position < small.code_count for position in small.search(words, 3))


def test_positions_outside_the_catalog_are_errors(small: Catalog) -> None:
    for call in (small.title, small.form, small.ancestors):
        with pytest.raises(IndexError):
            call(99)


def test_the_same_code_set_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        Catalog.write(SmallSet(), tmp_path / name).close()
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_form_of_an_unknown_code_stops_the_writing(tmp_path: Path) -> None:
    stray = SmallSet(extra=(SurfaceForm("Z99", "stray", FormSource.INDEX),))
    with pytest.raises(ValueError, match="Z99"):
        Catalog.write(stray, tmp_path / "catalog.sqlite")
    assert not (tmp_path / "catalog.sqlite").exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a catalog" * 100, encoding="utf-8")
    with pytest.raises(CatalogError):
        Catalog.open(other)
    with pytest.raises(FileNotFoundError):
        Catalog.open(tmp_path / "missing.sqlite")


def test_threads_share_a_catalog_until_it_is_closed(tmp_path: Path) -> None:
    catalog = Catalog.write(SmallSet(), tmp_path / "catalog ?#.sqlite")
    titles: list[str] = []
    threads = [threading.Thread(target=lambda: titles.append(catalog.title(3))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert titles == ["Asthma"] * 4
    catalog.close()
    with pytest.raises(CatalogError):
        catalog.title(3)


def test_the_whole_code_set_answers_a_clinician(icd10cm: ICD10CM, icd10cm_catalog: Catalog) -> None:
    catalog = icd10cm_catalog
    assert catalog.code_count == len(icd10cm.codes()) == len(catalog.offsets) - 1
    assert (np.diff(catalog.offsets) >= 1).all()
    best = {
        words: catalog.code_names[catalog.search(words, 1)[0]] for words in ("asthma", "hypertension", "heart attack")
    }
    assert best == {"asthma": "J45", "hypertension": "I10", "heart attack": "I21"}
    found = [catalog.code_names[position] for position in catalog.search("diab foot ulc", 5)]
    assert "E11.621" in found
