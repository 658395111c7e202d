"""Code sets from the order files of CMS, the PCS index, ICD-9-CM files: small files in the official formats."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from index_builder.catalog import Catalog
from index_builder.codesets.icd9cm import ICD9CM
from index_builder.codesets.icd10cm_order import ICD10CMOrder
from index_builder.codesets.icd10pcs import ICD10PCS, approach_at, common_start
from index_builder.codesets.lending import lent_forms
from index_builder.codesets.protocol import FormSource, SurfaceForm
from index_builder.codesets.sources import open_code_set
from index_builder.embedding import fold_wordings
from index_builder.errors import CodeSetError
from tests.index_builder.fakes import FakeCodeSet

PCS = {
    "0DB": "Gastrointestinal System, Excision",
    "0DBJ0ZX": "Excision of Appendix, Open Approach, Diagnostic",
    "0DBJ0ZZ": "Excision of Appendix, Open Approach",
    "0DBJ4ZZ": "Excision of Appendix, Percutaneous Endoscopic Approach",
    "0DJ": "Gastrointestinal System, Inspection",
    "0DJD8ZZ": "Inspection of Lower Intestinal Tract, Via Natural or Artificial Opening Endoscopic",
    "0RG": "Upper Joints, Insertion",
    "0RHP03Z": "Insertion of Infusion Device into Left Wrist Joint, Open Approach",
    "0RHP33Z": "Insertion of Infusion Device into Left Wrist Joint, Percutaneous Approach",
    "BH4": "Skin, Subcutaneous Tissue and Breast, Ultrasonography",
    "BH49ZZZ": "Ultrasonography of Abdominal Wall",
}
INDEX = """<?xml version="1.0" encoding="utf-8"?>
<ICD10PCS.index><letter><title>A</title>
<mainTerm><title>Appendectomy</title>
 <term level="1"><see>Excision, Appendix<codes>0DBJ</codes></see></term>
 <term level="1"><see>Resection, Appendix<codes>0DTJ</codes></see></term></mainTerm>
<mainTerm><title>Colonoscopy(R)</title><code>0DJD8ZZ</code></mainTerm>
<mainTerm><title>Spacer</title><term level="1"><title>Insertion of device in</title>
 <term level="2"><title>Wrist</title><codes>0RHP</codes></term></term></mainTerm>
<mainTerm><title>Arthroplasty</title><see>Repair, Upper Joints<tab>0RQ</tab></see></mainTerm>
</letter></ICD10PCS.index>"""


def order_file(path: Path, titles: dict[str, str]) -> Path:
    lines = [
        f"{number:05d} {code:<7} {int(len(code) == 7)} {title[:60]:<60} {title}"
        for number, (code, title) in enumerate(titles.items(), start=1)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


@pytest.fixture
def pcs(tmp_path: Path) -> ICD10PCS:
    index = tmp_path / "icd10pcs_index_2023.xml.gz"
    index.write_bytes(gzip.compress(INDEX.encode()))
    return ICD10PCS(order_file(tmp_path / "icd10pcs_order_2026.txt", PCS), "2026-04", index)


def named(pcs: ICD10PCS) -> dict[str, list[SurfaceForm]]:
    found: dict[str, list[SurfaceForm]] = {}
    for form in pcs.forms():
        if form.source is FormSource.INDEX:
            found.setdefault(form.text[: form.extension] if form.extension else form.text, []).append(form)
    return found


def test_pcs_codes_have_their_table_as_parent_and_no_dot(pcs: ICD10PCS) -> None:
    codes = {code.code: code for code in pcs.codes()}
    assert list(codes) == sorted(PCS)
    assert (codes["0DBJ0ZZ"].parent, codes["0DBJ0ZZ"].billable) == ("0DB", True)
    assert (codes["0DB"].parent, codes["0DB"].billable) == (None, False)


def test_pcs_titles_are_encoded_in_two_pieces(pcs: ICD10PCS) -> None:
    official = (form for form in pcs.forms() if form.source is not FormSource.CLINICIAN)
    wordings = fold_wordings(form for form in official if form.code.startswith("0DBJ"))
    assert set(wordings.pieces) == {
        "Excision of Appendix",
        "Partial appendectomy",
        "laparoscopic partial appendectomy",
        "Open Approach",
        "Open Approach, Diagnostic",
        "Percutaneous Endoscopic Approach",
    }


@pytest.mark.parametrize(
    ("title", "head"),
    [
        ("Dilation of Coronary Artery, One Artery, Open Approach", "Dilation of Coronary Artery, One Artery"),
        ("Bypass Stomach, External", "Bypass Stomach"),
        ("Ultrasonography of Abdominal Wall", ""),
        (
            "Resection of Cervix, Via Natural or Artificial Opening With Percutaneous Endoscopic Assistance",
            "Resection of Cervix",
        ),
        ("Open Access, Openness", ""),
    ],
)
def test_the_approach_is_found_where_it_begins(title: str, head: str) -> None:
    assert title[: approach_at(title)] == head


@pytest.mark.parametrize(
    ("heads", "start"),
    [
        (["Resection of Uterus", "Resection of Uterus, Supracervical"], "Resection of Uterus"),
        (["Drainage of Ileum with Drainage Device", "Drainage of Ileum"], "Drainage of Ileum"),
        (
            ["Supplement Vagina with Synthetic Substitute", "Supplement Vagina with Nonautologous Tissue"],
            "Supplement Vagina",
        ),
        (["Repair Hand", "Repair Hands"], "Repair"),
        (["Inspection of Uterus"], "Inspection of Uterus"),
    ],
)
def test_what_several_codes_have_in_common_gives_way_to_the_name(heads: list[str], start: str) -> None:
    assert common_start(heads) == start


def test_a_name_keeps_what_tells_its_codes_apart(tmp_path: Path) -> None:
    titles = {
        "0UT90ZL": "Resection of Uterus, Supracervical, Open Approach",
        "0UT90ZZ": "Resection of Uterus, Open Approach",
    }
    index = tmp_path / "index.xml"
    index.write_text(INDEX.replace("0DBJ", "0UT9").replace("Appendectomy", "Hysterectomy"))
    forms = named(ICD10PCS(order_file(tmp_path / "order.txt", titles), "2026-04", index))
    assert {name: [form.code for form in found] for name, found in forms.items()} == {
        "Hysterectomy": ["0UT90ZZ"],
        "Hysterectomy, Supracervical": ["0UT90ZL"],
    }
    index.write_text(INDEX.replace("0DBJ", "0UT9").replace("Appendectomy", "Hysterectomy, supracervical"))
    forms = named(ICD10PCS(tmp_path / "order.txt", "2026-04", index))
    assert [form.code for form in forms["Hysterectomy, supracervical"]] == ["0UT90ZL", "0UT90ZZ"]


def test_a_name_of_codes_with_nothing_in_common_is_put_before_their_titles(tmp_path: Path) -> None:
    titles = {
        "10D17Z9": "Manual Extraction of Products, Open Approach",
        "10D17ZZ": "Extraction of Products, Open Approach",
    }
    index = tmp_path / "index.xml"
    index.write_text(INDEX.replace("0DBJ", "10D1").replace("Appendectomy", "Removal"))
    forms = named(ICD10PCS(order_file(tmp_path / "order.txt", titles), "2026-04", index))
    assert set(forms) == {"Removal, Manual Extraction of Products", "Removal, Extraction of Products"}


def test_pcs_index_names_reach_their_codes_with_each_approach(pcs: ICD10PCS) -> None:
    forms = named(pcs)
    partial = forms["Partial appendectomy"]  # the same name leads to the resection, which is what it means unless told
    assert [form.code for form in partial] == ["0DBJ0ZX", "0DBJ0ZZ", "0DBJ4ZZ"]
    assert partial[0].text == "Partial appendectomy, Open Approach, Diagnostic"
    assert [form.code for form in forms["laparoscopic partial appendectomy"]] == ["0DBJ4ZZ"]  # as surgeons call it
    assert [form.code for form in forms["Colonoscopy"]] == ["0DJD8ZZ"]


def test_pcs_index_terms_that_need_the_rest_of_the_code_are_left_out(pcs: ICD10PCS) -> None:
    assert set(named(pcs)) == {
        "Partial appendectomy",
        "laparoscopic partial appendectomy",
        "Colonoscopy",
    }  # a device and a whole table say too little


def test_an_order_file_is_an_edition_of_icd10cm(tmp_path: Path) -> None:
    titles = {"S520": "Fracture", "S52001": "Fracture of right ulna"}
    titles["S52001A"] = "Fracture of right ulna, initial encounter for closed fracture"
    code_set = ICD10CMOrder(order_file(tmp_path / "icd10cm-order-2025.txt", titles), "2024-10")
    codes = {code.code: code for code in code_set.codes()}
    assert (codes["S52.001A"].parent, codes["S52.001"].parent, codes["S52.0"].parent) == ("S52.001", "S52.0", None)
    forms = list(code_set.forms())
    [title] = [form for form in forms if form.code == "S52.001A"]
    assert title.text[title.extension :] == ", initial encounter for closed fracture"
    assert {form.code for form in forms} == set(codes)  # no wording of a code of another year


CSV = """code,billable,short_desc,long_desc
250,False,Diabetes mellitus,Diabetes mellitus
25000,True,DMII wo cmp nt st uncntr,"Diabetes mellitus without complication, type II"
E880,False,Stairs,Fall on stairs
E8809,True,Fall on stair/step NEC,Accidental fall on stairs
V1011,True,Hx-bronchogenic malignan,Personal history of malignant neoplasm of bronchus
"""


@pytest.fixture
def icd9(tmp_path: Path) -> Path:
    (tmp_path / "icd9.csv").write_text(CSV, encoding="utf-8")
    return tmp_path / "icd9.csv"


def test_icd9_codes_get_their_dots_and_parents(icd9: Path) -> None:
    codes = ICD9CM([icd9], "2014").codes()
    assert [(code.code, code.parent, code.billable) for code in codes] == [
        ("250", None, False),
        ("250.00", "250", True),
        ("E880", None, False),
        ("E880.9", "E880", True),
        ("V10.11", None, True),
    ]


def test_icd9_long_and_short_titles_are_wordings(icd9: Path) -> None:
    forms = [form.text for form in ICD9CM([icd9], "2014").forms() if form.code == "250.00"]
    assert forms == ["Diabetes mellitus without complication, type II", "DMII wo cmp nt st uncntr"]


def test_icd9_procedures_stand_beside_diagnoses_of_the_same_digits(tmp_path: Path) -> None:
    (tmp_path / "CMS32_DESC_LONG_DX.txt").write_bytes("3961  Ménière and mitral\n".encode("latin-1"))
    (tmp_path / "CMS32_DESC_LONG_SG.txt").write_text("3961 Extracorporeal circulation\n")
    (tmp_path / "CMS32_DESC_SHORT_SG.txt").write_text("3961 Extracorporeal circulat\n")
    code_set = ICD9CM(sorted(tmp_path.iterdir()), "2014")
    assert [(code.code, code.title) for code in code_set.codes()] == [
        ("39.61", "Extracorporeal circulation"),
        ("396.1", "Ménière and mitral"),
    ]
    assert [form.text for form in code_set.forms() if form.code == "39.61"][1] == "Extracorporeal circulat"


class Lender(FakeCodeSet):
    name = "icd-10-cm"

    def forms(self) -> Iterator[SurfaceForm]:
        yield SurfaceForm("E11.9", "Type 2 diabetes mellitus without complications", FormSource.TITLE)
        yield SurfaceForm("E11.9", "adult onset diabetes", FormSource.INDEX)
        yield SurfaceForm("E11.8", "diabetes with trouble", FormSource.INDEX)
        yield SurfaceForm("E11.7", "diabetes and more", FormSource.INDEX)


def test_wordings_are_lent_to_the_one_code_that_a_code_maps_to(tmp_path: Path, icd9: Path) -> None:
    gem = tmp_path / "2018_I10gem.txt"
    gem.write_text(
        "E119   25000 10000\nE118   25000 10000\nE118   25001 10000\nE117   25000 10111\nE117   4019  10112\n"
    )
    lent = lent_forms(gem, Lender())
    assert lent == [SurfaceForm("250.00", "adult onset diabetes", FormSource.INDEX)]
    assert lent[0] in ICD9CM([icd9], "2014", lent).forms()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("00001 0DB     2 short", "line 1: expected a code in columns 7-13"),
        ("", "lists no code"),
        (
            "00001 0DB     0 x" + " " * 60 + "Excision\n00002 0DB     0 x" + " " * 60 + "Excision\n",
            "0DB is listed twice",
        ),
    ],
)
def test_a_malformed_order_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "order.txt").write_text(content)
    with pytest.raises(CodeSetError, match=message):
        ICD10PCS(tmp_path / "order.txt", "2026-04")


@pytest.mark.parametrize(
    ("name", "files", "edition", "message"),
    [
        ("icd-10-pcs", [], None, "needs --source"),
        ("icd-10-pcs", ["order.txt"], None, "needs --edition, written as 2025-10"),
        ("icd-10-pcs", ["order.txt"], "2026", "needs --edition"),
        ("icd-10-pcs", ["order.txt", "order2.txt"], "2026-04", "must name one order file"),
        ("icd-10-cm", [], "2024-10", "needs --source, its order file"),
        ("icd-10-cm", ["order.txt"], "2024-10", "missing"),
        ("icd-9-cm", ["titles.txt"], "2014", "neither .csv nor named like"),
        ("icd-9-cm", ["none.csv"], "2014", "missing"),
        ("icd-11", [], None, "unknown"),
    ],
)
def test_what_cannot_be_opened_is_named(
    tmp_path: Path, name: str, files: list[str], edition: str | None, message: str
) -> None:
    with pytest.raises(CodeSetError, match=message):
        open_code_set(name, [tmp_path / file for file in files], edition)


def test_an_index_that_is_none_is_refused(tmp_path: Path) -> None:
    order, index = order_file(tmp_path / "order.txt", PCS), tmp_path / "index.xml"
    for content in ("<other/>", "no xml"):
        index.write_text(content)
        with pytest.raises(CodeSetError, match=r"index\.xml"):
            ICD10PCS(order, "2026-04", index)


def test_a_pcs_code_is_found_in_any_case(pcs: ICD10PCS, tmp_path: Path) -> None:
    catalog = Catalog.write(pcs, tmp_path / "catalog.sqlite")
    position = catalog.position("0dbj0zz")
    assert position is not None
    assert catalog.code_names[position] == "0DBJ0ZZ"
    assert catalog.search("appendectomy", 1)
    catalog.close()
