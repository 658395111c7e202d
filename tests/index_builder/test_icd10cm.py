"""The whole of ICD-10-CM as a code set."""

from __future__ import annotations

import pytest

from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.plain_terms import abbreviated, plain_term, tidy
from index_builder.codesets.protocol import FormSource, SurfaceForm


@pytest.fixture(scope="module")
def forms(icd10cm: ICD10CM) -> list[SurfaceForm]:
    return list(icd10cm.forms())


def test_every_category_and_code_is_there_once_and_sorted(icd10cm: ICD10CM) -> None:
    codes = icd10cm.codes()
    names = [code.code for code in codes]
    assert len(names) == len(set(names)) == 98_186
    assert names == sorted(names)
    assert sum(code.billable for code in codes) == 74_719
    # A block of one category shares its name; the category must not be lost for it.
    assert {"B20", "C50", "D49"} <= set(names)


def test_every_code_but_a_category_has_its_parent(icd10cm: ICD10CM) -> None:
    names = {code.code for code in icd10cm.codes()}
    for code in icd10cm.codes():
        assert (code.parent is None) == (len(code.code) == 3)
        assert code.parent is None or code.parent in names


def test_notes_are_kept_by_kind(icd10cm: ICD10CM) -> None:
    notes = {code.code: code.notes for code in icd10cm.codes()}
    assert notes["E11.621"]["use_additional"] == ("code to identify site of ulcer (L97.4-, L97.5-)",)
    assert "Asthma NOS" in notes["J45.909"]["inclusion_term"]
    assert notes["S72.301A"] == {}


def test_titles_come_first_one_each(icd10cm: ICD10CM, forms: list[SurfaceForm]) -> None:
    count = len(icd10cm.codes())
    assert [form.code for form in forms[:count]] == [code.code for code in icd10cm.codes()]
    assert {form.source for form in forms[:count]} == {FormSource.TITLE}
    assert FormSource.TITLE not in {form.source for form in forms[count:]}


def test_the_wording_of_the_seventh_character_is_split_off_exactly(icd10cm: ICD10CM, forms: list[SurfaceForm]) -> None:
    parents = {code.code: code.parent for code in icd10cm.codes()}
    titles = {code.code: code.title for code in icd10cm.codes()}
    long = [form for form in forms[: len(titles)] if len(form.code) == 8]
    split = [form for form in long if form.extension]
    assert len(split) / len(long) > 0.95
    for form in split:
        parent = parents[form.code]
        assert parent is not None and form.text[: form.extension] == tidy(titles[parent])
    found = {form.code: form.text[form.extension :] for form in split}
    assert found["S72.301A"] == ", initial encounter for closed fracture"


def test_no_form_holds_a_tab_or_is_empty(forms: list[SurfaceForm]) -> None:
    assert all(form.text and "\t" not in form.text and form.text == form.text.strip() for form in forms)


def test_stray_breaks_in_titles_are_read_as_or() -> None:
    assert tidy("type I or II/\tinitial encounter for open fracture NOS") == (
        "type I or II or initial encounter for open fracture"
    )


@pytest.mark.parametrize(
    ("note", "term"),
    [
        ("Asthma NOS", "Asthma"),
        ("hypertension (arterial) (benign)", "hypertension"),
        ("any condition classifiable to I70.21-", None),
        ("Conditions classifiable to G00-G99", None),
        ("ALL", None),
    ],
)
def test_only_notes_that_are_terms_become_forms(note: str, term: str | None) -> None:
    assert plain_term(note) == term


def test_a_bracketed_abbreviation_stands_for_the_words_it_spells() -> None:
    assert abbreviated("Asymptomatic human immunodeficiency virus [HIV] infection status") == (
        "Asymptomatic HIV infection status"
    )
    assert abbreviated("Poisoning by lysergide [LSD]") is None
