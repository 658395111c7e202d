"""From lines of the official tables to wordings, and the compiled file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import FormSource
from index_builder.tables import external, neoplasms
from index_builder.tables.alphabetic import phrase, read_index
from index_builder.tables.compile import HEADER, keep_known
from index_builder.tables.drugs import read_drugs, substance
from index_builder.tables.row import TermRow, read_code
from index_builder.tables.term import clean, parse
from index_builder.tables.termfile import load_table, write_terms

SITES = {"femur": "", "shaft": "", "foot": "", "knee": "", "abdomen": "abdominal", "myocardium": "myocardial"}

DRUGS = """<ICD10CM.index><version>2026</version><letter><title>A</title><mainTerm>
<title>Acid<nemod>(any)</nemod></title>
<term level="1"><title>acetic</title><cell col="2">T54.2X1</cell><cell col="4">T54.2X3</cell><cell col="6">--</cell>
</term></mainTerm></letter></ICD10CM.index>"""

INDEX = """RowID,Letter,Level,Term,See,SeeAlso,NonEssModif,Code
1,A,0,Abscess,,,(acute) (chronic),L02.91
2,A,1,foot,,,,L02.61-
3,A,1,kidney,"Abscess, renal",,,
9,A,1,toe,"Abscess, foot",,,
4,D,0,"Diabetes, diabetic",,,(mellitus),E11.9
5,D,1,type 2,,,,E11.9
6,D,2,with,,,,
7,D,3,foot ulcer,,,,E11.621
8,K,0,Kelly,,,(-Patterson) syndrome (sideropenic dysphagia),D50.1
"""


@pytest.mark.parametrize(
    ("path", "wordings"),
    [
        (["abscess", "foot"], ["foot abscess", "abscess of foot"]),
        (["diabetes, diabetic", "type 2", "with", "foot ulcer"], ["type 2 diabetes with foot ulcer"]),
        (["fracture", "femur", "shaft"], ["fracture of shaft of femur"]),
        (["burn", "knee", "left", "third degree"], ["third degree left knee burn", "third degree burn of left knee"]),
        (["infarction", "myocardium, myocardial"], ["myocardial infarction", "infarction of myocardium"]),
        (["delivery", "complicated", "by", "hemorrhage NEC"], ["delivery complicated by hemorrhage"]),
        (["history", "personal", "venous thrombosis"], ["personal history of venous thrombosis"]),
        (["failure", "heart", "diastolic", "acute", "and chronic"], ["acute and chronic diastolic heart failure"]),
        (["abdomen, abdominal", "angina"], ["abdominal angina"]),
        (["disorder", "joint", "specified type NEC"], ["other joint disorder"]),
        (["insomnia", "due to", "alcohol", "use"], ["insomnia due to alcohol use"]),
        (["cystic", "kidney", "medullary"], ["medullary cystic kidney"]),
    ],
)
def test_a_path_becomes_what_a_clinician_would_write(path: list[str], wordings: list[str]) -> None:
    assert phrase([parse(line) for line in path], SITES) == wordings


def test_index_rows_follow_their_levels_and_cross_references_with_an_end(tmp_path: Path) -> None:
    file = tmp_path / "index.csv"
    file.write_text(INDEX, encoding="utf-8")
    found = [(row.code, row.text.lower()) for row in read_index(file, SITES)]
    assert found == [
        ("L02.91", "abscess"),
        ("L02.61", "foot abscess"),
        ("L02.61", "abscess of foot"),
        ("L02.61", "toe abscess"),
        ("E11.9", "diabetes"),
        ("E11.9", "type 2 diabetes"),
        ("E11.621", "type 2 diabetes with foot ulcer"),
        ("D50.1", "kelly-patterson syndrome"),
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("abscess (acute) NEC", "abscess"),
        ("cystitis, interstitial", "interstitial cystitis"),
        ("kidney, renal", "kidney"),
        ("fructose 1,6-diphosphatase", "fructose 1,6-diphosphatase"),
        ("burn - code by site, second degree", "burn"),
        ("unspecified site", ""),
    ],
)
def test_a_line_loses_what_nobody_writes(line: str, text: str) -> None:
    assert parse(line).text == text


@given(st.text(alphabet="abc ,()[]-NECOS", max_size=40))
def test_cleaning_is_done_once(text: str) -> None:
    once = clean(text)
    assert "NEC" not in once.split() and "  " not in once and once == once.strip()


def test_codes_of_the_tables_lose_their_dash() -> None:
    assert [read_code(cell) for cell in ("L02.61-", "C79.8-", "A00.-", "--", " J45.909 ")] == [
        "L02.61",
        "C79.8",
        "A00",
        "",
        "J45.909",
    ]


def test_neoplasm_sites_read_from_the_small_part_to_the_large() -> None:
    assert neoplasms.site_wording(["abdomen, abdominal", "wall"]) == "abdominal wall"
    assert neoplasms.site_wording(["lip", "vermilion border"]) == "vermilion border of lip"
    assert neoplasms.site_wording(["skin NEC", "ankle"]) == "skin of ankle"
    assert neoplasms.site_wording(["lymph, lymphatic channel NEC", "gland", "inguinal"]) == "inguinal lymph node"


def test_external_causes_keep_the_order_of_events() -> None:
    assert external.wording(["Bite", "dog"]) == "dog bite"
    assert external.wording(["Fall, falling", "from", "ladder"]) == "fall from ladder"
    path = ["Accident to", "transport", "van occupant", "passenger", "collision with", "animal"]
    assert external.wording(path) == "van occupant, passenger, collision with animal"


def test_drug_columns_are_told_apart_and_chosen(tmp_path: Path) -> None:
    file = tmp_path / "drugs.xml"
    file.write_text(DRUGS, encoding="utf-8")
    rows = [(row.code, row.text) for row in read_drugs(file, columns=(2, 4, 6))]
    assert rows == [
        ("T54.2X1", "accidental poisoning by acetic acid"),
        ("T54.2X3", "assault by acetic acid poisoning"),
    ]
    assert substance(["Antibiotic", "specified NEC"]) == "antibiotic"


def test_rows_of_unknown_codes_are_dropped_and_counted() -> None:
    rows = [TermRow("E11", "diabetes", FormSource.INDEX), TermRow("Q99.X", "nothing", FormSource.INDEX)]
    compiled = keep_known(rows, {"E11"})
    assert compiled.rows == {rows[0]} and compiled.dropped == {"index": 1}


def test_the_file_is_the_same_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    rows = [TermRow("E11", "diabetes", FormSource.INDEX), TermRow("A00", "cholera", FormSource.INDEX)]
    first, second = tmp_path / "first.gz", tmp_path / "second.gz"
    write_terms(first, HEADER, rows)
    write_terms(second, HEADER, [*reversed(rows), rows[0]])
    assert first.read_bytes() == second.read_bytes()
    assert [form.code for form in load_table(first).forms] == ["A00", "E11"]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.gz"
    write_terms(file, {}, [TermRow("E11", "dia\tbetes", FormSource.INDEX)])
    with pytest.raises(ValueError, match="line 1"):
        load_table(file)


def test_the_committed_table_names_its_sources_and_knows_its_codes(icd10cm: ICD10CM) -> None:
    table = load_table()
    assert all("2025" in line or "2026" in line for line in table.header.values())
    assert set(table.header) == set(HEADER)
    codes = {code.code for code in icd10cm.codes()}
    assert {form.code for form in table.forms} <= codes
    texts = {(form.code, form.text) for form in table.forms}
    assert {
        ("E11.621", "type 2 diabetes with foot ulcer"),
        ("L02.61", "abscess of foot"),
        ("C50.9", "breast cancer"),
        ("I21", "heart attack"),
        ("T39.015", "adverse effect of aspirin"),
    } <= texts
