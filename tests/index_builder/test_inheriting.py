"""What names a header names the codes below it that add nothing, or a side, too."""

from __future__ import annotations

from collections import defaultdict

import pytest

from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.inheriting import inherited_forms
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm


def code(name: str, title: str, parent: str | None, *, billable: bool = True) -> Code:
    return Code(name, title, parent, billable, {})


CODES = (
    code("H40.1", "Open-angle glaucoma", None, billable=False),
    code("H40.10", "Unspecified open-angle glaucoma", "H40.1", billable=False),
    code("H40.10X0", "Unspecified open-angle glaucoma, stage unspecified", "H40.10"),
    code("H40.10X1", "Unspecified open-angle glaucoma, mild stage", "H40.10"),
    code("H40.11", "Primary open-angle glaucoma", "H40.1", billable=False),
    code("H40.111", "Primary open-angle glaucoma, right eye", "H40.11"),
    code("H40.112", "Primary open-angle glaucoma, left eye", "H40.11"),
    code("H40.119", "Primary open-angle glaucoma, unspecified eye", "H40.11"),
)


def forms(*rows: tuple[str, str, FormSource]) -> set[tuple[str, str]]:
    found = inherited_forms(CODES, [SurfaceForm(*row) for row in rows])
    return {(form.code, form.text) for form in found}


def test_the_first_of_a_family_inherits_the_wording_as_it_is() -> None:
    assert forms(("H40.10", "simple glaucoma", FormSource.INDEX)) == {("H40.10X0", "simple glaucoma")}


def test_a_wording_goes_down_to_what_adds_nothing() -> None:
    assert forms(("H40.1", "wide-angle glaucoma", FormSource.INDEX)) == {("H40.10X0", "wide-angle glaucoma")}


def test_the_sides_inherit_it_with_their_side() -> None:
    assert forms(("H40.11", "POAG", FormSource.ABBREVIATION)) == {
        ("H40.111", "POAG, right"),
        ("H40.112", "POAG, left"),
        ("H40.119", "POAG"),
    }


def test_a_side_is_encoded_apart() -> None:
    found = list(inherited_forms(CODES, [SurfaceForm("H40.11", "POAG", FormSource.CLINICIAN)]))
    assert {form.text[: form.extension] for form in found if form.extension} == {"POAG"}


@pytest.mark.parametrize("source", [FormSource.DRUG, FormSource.EXTERNAL])
def test_tables_that_go_down_to_the_code_are_not_inherited(source: FormSource) -> None:
    assert forms(("H40.1", "x", source)) == set()


def test_titles_go_to_what_adds_nothing_and_not_to_sides_and_families() -> None:
    assert forms(
        ("H40.1", "Open-angle glaucoma", FormSource.TITLE), ("H40.11", "Primary open-angle glaucoma", FormSource.TITLE)
    ) == {("H40.10X0", "Open-angle glaucoma"), ("H40.119", "Primary open-angle glaucoma")}


def test_what_can_be_billed_gives_nothing_away() -> None:
    assert forms(("H40.112", "x", FormSource.INDEX)) == set()


@pytest.fixture(scope="module")
def wordings() -> dict[str, set[str]]:
    found = defaultdict(set)
    for form in ICD10CM().forms():
        found[form.code].add(form.text.lower())
    return found


@pytest.mark.parametrize(
    ("name", "wording"),
    [
        ("E11.9", "type ii diabetes mellitus"),
        ("H40.10X0", "open angle glaucoma"),
        ("I82.432", "popliteal vein thrombosis, left"),
        ("H66.91", "acute otitis media, right"),
        ("H66.90", "otitis media"),
    ],
)
def test_codes_that_can_be_billed_have_the_names_of_the_index(
    name: str, wording: str, wordings: dict[str, set[str]]
) -> None:
    assert wording in wordings[name]


def test_no_side_has_the_name_of_the_other(wordings: dict[str, set[str]]) -> None:
    assert "popliteal vein thrombosis, left" not in wordings["I82.431"]
