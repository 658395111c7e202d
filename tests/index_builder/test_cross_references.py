"""A "see" line of the alphabetic index leads to the line that it names, or nowhere."""

from __future__ import annotations

import pytest

from index_builder.tables.cross_references import IndexTree


@pytest.fixture
def tree() -> IndexTree:
    made = IndexTree()
    for path, code in (
        (["Calculus"], ""),
        (["Calculus", "gallbladder"], "K80.20"),
        (["Calculus", "gallbladder", "with"], ""),
        (["Calculus", "gallbladder", "with", "cholecystitis"], "K80.10"),
        (["Calculus", "gallbladder", "with", "cholecystitis", "acute"], "K80.00"),
        (["Fracture, traumatic"], "T14.8"),
        (["Fracture, traumatic", "hand"], "S62.9"),
        (["Fracture, pathological"], "M84.40"),
        (["Infarct, infarction"], ""),
        (["Infarct, infarction", "myocardium, myocardial (acute) (with stated duration of 4 weeks or less)"], "I21.9"),
    ):
        made.add(path, code)
    return made


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("Calculus, gallbladder", "K80.20"),
        (" Calculus,  gallbladder", "K80.20"),
        ("Calculus, gallbladder, with cholecystitis", "K80.10"),
        ("Calculus, gallbladder, with, cholecystitis, acute", "K80.00"),
        ("Fracture, traumatic, hand", "S62.9"),  # a line's own words hold a comma
        ("Infarct, myocardium", "I21.9"),  # the first of a line's alternatives, without its modifiers
    ],
)
def test_a_reference_is_followed(tree: IndexTree, reference: str, code: str) -> None:
    assert tree.code_of(reference) == code


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "Calculus",  # has no code of its own
        "Calculus, bladder",
        "Fracture, hand",  # traumatic or pathological: nothing tells
        "Neoplasm, malignant, by site",
        "Calculus, gallbladder, without cholecystitis",
    ],
)
def test_a_reference_that_leads_nowhere_has_no_code(tree: IndexTree, reference: str) -> None:
    assert tree.code_of(reference) == ""
