"""Procedures as clinicians call them: the table of names is sound, titles are said in everyday words."""

from __future__ import annotations

from pathlib import Path

import pytest

from index_builder.catalog import Catalog
from index_builder.codesets.icd10pcs import ICD10PCS
from index_builder.codesets.ordering import place
from index_builder.codesets.pcs_synonyms import body_part, synonyms
from index_builder.tables.procedures import LENGTH, load_procedures
from tests.index_builder.test_order_files import order_file

TITLES = {
    "0DB": "Gastrointestinal System, Excision",
    "0DB68ZX": "Excision of Stomach, Via Natural or Artificial Opening Endoscopic, Diagnostic",
    "0DB68ZZ": "Excision of Stomach, Via Natural or Artificial Opening Endoscopic",
    "0FT40ZZ": "Resection of Gallbladder, Open Approach",
    "0FT44ZZ": "Resection of Gallbladder, Percutaneous Endoscopic Approach",
    "0SRD0J9": "Replacement of Left Knee Joint with Synthetic Substitute, Cemented, Open Approach",
    "BW20ZZZ": "Computerized Tomography (CT Scan) of Abdomen",
}


@pytest.fixture
def pcs(tmp_path: Path) -> ICD10PCS:
    return ICD10PCS(order_file(tmp_path / "icd10pcs_order_2026.txt", TITLES), "2026-04")


def wordings(pcs: ICD10PCS, code: str) -> set[str]:
    return {form.text for form in pcs.forms() if form.code == code}


def test_every_row_of_the_table_names_places_of_seven_and_something_to_say() -> None:
    rows = list(load_procedures())
    assert len(rows) > 250
    for row in rows:
        assert 2 <= len(row.start) <= LENGTH
        assert row.places.groups == 0
        assert all(name == name.strip() and len(name) > 1 for name in row.names)


def test_no_name_stands_twice_for_the_same_places() -> None:
    pairs = [(row.places.pattern, name.casefold()) for row in load_procedures() for name in row.names]
    assert len(set(pairs)) == len(pairs)


def test_a_name_gets_the_side_and_where_it_is_open_the_approach(pcs: ICD10PCS) -> None:
    assert "left total knee arthroplasty" in wordings(pcs, "0SRD0J9")
    assert {"cholecystectomy", "laparoscopic cholecystectomy"} <= wordings(pcs, "0FT44ZZ")
    assert "open cholecystectomy" in wordings(pcs, "0FT40ZZ")
    assert "laparoscopic cholecystectomy" not in wordings(pcs, "0FT40ZZ")


def test_a_biopsy_is_the_diagnostic_code_and_leads_the_search_to_the_one_that_stands_for_it(pcs: ICD10PCS) -> None:
    assert "gastric biopsy" in wordings(pcs, "0DB68ZX")
    plain = wordings(pcs, "0DB68ZZ")
    assert "gastric biopsy" not in plain
    assert "gastric biopsy, Excision of Stomach" in plain


def test_the_code_without_qualifier_comes_first_of_its_family(pcs: ICD10PCS, tmp_path: Path) -> None:
    catalog = Catalog.write(pcs, tmp_path / "catalog.sqlite")
    names = list(catalog.code_names)
    assert names.index("0DB68ZZ") + 1 == names.index("0DB68ZX")
    assert [catalog.position(name) for name in names] == list(range(len(names)))
    catalog.close()


def test_other_codes_keep_their_order() -> None:
    names = ["S52.501", "S52.501A", "S52.501D", "T36.0X1", "0DB", "0DB68ZX", "25000"]
    assert sorted(names, key=place) == sorted(names)


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("Excision of Right Upper Lung Lobe, Percutaneous Endoscopic Approach, Diagnostic", "right upper lobe of lung"),
        ("Reposition Left Upper Femur with Internal Fixation Device, Open Approach", "left proximal femur"),
        ("Extirpation of Matter from Right Ureter, Open Approach", "right ureter"),
        ("Magnetic Resonance Imaging (MRI) of Brain using Other Contrast", "brain"),
        ("Plain Radiography of Chest", "chest"),
        ("Irradiation", ""),
    ],
)
def test_the_body_part_of_a_title_is_said_as_it_is(title: str, part: str) -> None:
    assert body_part(title) == part


def test_an_image_is_called_by_its_short_name_and_contrast_by_its_own_code() -> None:
    assert "CT scan of abdomen" in set(synonyms("BW20ZZZ", TITLES["BW20ZZZ"]))
    contrast = "Computerized Tomography (CT Scan) of Abdomen using High Osmolar Contrast"
    assert set(synonyms("BW200ZZ", contrast)) == {"abdomen CT with contrast", "contrast-enhanced CT of abdomen"}
    assert list(synonyms("GZB0ZZZ", "Electroconvulsive Therapy, Unilateral-Single Seizure")) == []
