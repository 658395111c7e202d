"""The POA-exempt list and the notes of chapters and blocks: read, written, shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from index_builder.references import Reference, named_references, references
from index_builder.tables.block_notes import BLOCK_NOTES, BlockNote, load_notes, write_notes
from index_builder.tables.compile_edits import main
from index_builder.tables.poa_exempt import POA_EXEMPT, load_exempt, read_official, write_exempt


def test_the_official_list_becomes_a_table_that_reads_back(tmp_path: Path) -> None:
    official = tmp_path / "list.txt"
    official.write_text("Order26\tPOAexemptCode\tDescription\n2\tZ99.2\tDialysis  \n1\tB90.0\tSequelae\n")
    codes = read_official(official)
    first, second = tmp_path / "a.gz", tmp_path / "b.gz"
    write_exempt(first, "a source", codes)
    write_exempt(second, "a source", codes)
    assert load_exempt(first) == {"B90.0", "Z99.2"} and first.read_bytes() == second.read_bytes()


def test_a_line_without_a_code_is_refused(tmp_path: Path) -> None:
    official = tmp_path / "list.txt"
    official.write_text("Order26\tPOAexemptCode\tDescription\n1\t\tSequelae\n")
    with pytest.raises(ValueError, match=r"list\.txt"):
        read_official(official)


def test_the_shipped_list_is_the_official_one() -> None:
    exempt = load_exempt()
    assert len(exempt) == 38_349 and {"Z79.4", "S61.411D", "Z99.2"} <= exempt
    assert not {"I10", "S61.411", "Z66"} & exempt


def test_notes_of_blocks_read_back(tmp_path: Path) -> None:
    path = tmp_path / "notes.tsv"
    notes = (BlockNote("A00", "B99", "excludes1", ("one (C00)", "two")), BlockNote("C00", "C14", "code_first", ("x",)))
    write_notes(path, "a source", notes)
    assert load_notes(path) == notes
    assert notes[0].covers("B20") and not notes[0].covers("C00.1")


def test_a_line_that_is_no_note_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.tsv"
    path.write_text("# a source\nA00\tB99\tremark\tsomething\n")
    with pytest.raises(ValueError, match="line 2"):
        load_notes(path)


def test_compiling_gives_the_shipped_notes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    official = tmp_path / "list.txt"
    official.write_text("Order26\tPOAexemptCode\tDescription\n1\tB90.0\tSequelae\n")
    main(["--poa-exempt", str(official), "--output", str(tmp_path)])
    assert (tmp_path / BLOCK_NOTES.name).read_bytes() == BLOCK_NOTES.read_bytes()
    assert load_exempt(tmp_path / POA_EXEMPT.name) == {"B90.0"}
    assert capsys.readouterr().out.startswith("1 exempt codes")


def test_the_shipped_notes_tell_what_no_code_does() -> None:
    pregnancy = [note for note in load_notes() if note.covers("O24.410") and note.kind == "use_additional"]
    assert any("Z3A" in line for note in pregnancy for line in note.lines)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("code, if applicable, from category Z3A, Weeks of gestation", [Reference("Z3A", "Z3A")]),
        ("code from category T31 or T32 to identify extent", [Reference("T31", "T31"), Reference("T32", "T32")]),
        ("codes from F11-F16 and F18-F19 to identify it", [Reference("F11", "F16"), Reference("F18", "F19")]),
        ("vitamin B12 deficiency", []),
    ],
)
def test_codes_named_in_the_sentence(note: str, expected: list[Reference]) -> None:
    assert named_references(note) == expected


@pytest.mark.parametrize(
    ("code", "covered"),
    [("T36.0X5A", True), ("T36.95XA", True), ("T45.515A", True), ("T36.0X1A", False), ("T45.511A", False)],
)
def test_an_adverse_effect_is_told_from_a_poisoning_by_its_character(code: str, covered: bool) -> None:
    [reference] = references("code to identify drug (T36-T50 with fifth or sixth character 5)")
    assert reference == Reference("T36", "T50", intent="5") and reference.covers(code) is covered
