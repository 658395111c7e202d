"""Code references as the tabular list writes them, and the partners that they make."""

from __future__ import annotations

import pytest

from app.training.excludes import excludes1
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import Code
from index_builder.references import Reference, references


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("postpartum erysipelas (O86.89)", [Reference("O86.89", "O86.89")]),
        ("Kaposi's sarcoma of lung (C46.5-)", [Reference("C46.5", "C46.5")]),
        ("postprocedural diabetes mellitus (E13.-)", [Reference("E13", "E13")]),
        ("goiter (E00-E02)", [Reference("E00", "E02")]),
        ("injury (S00-S09, T20.-T25.9)", [Reference("S00", "S09"), Reference("T20", "T25.9")]),
        ("amyotrophy in diabetes (E08-E13 with .44)", [Reference("E08", "E13", "44")]),
        ("neoplasm of ear (external) (skin) (D48.5)", [Reference("D48.5", "D48.5")]),
        ("fracture (S72.0-, S72.1-)", [Reference("S72.0", "S72.0"), Reference("S72.1", "S72.1")]),
        ("lymphoma [C83.3A]", [Reference("C83.3A", "C83.3A")]),
        ("type (2) with B12 deficiency and (RSV)", []),
    ],
)
def test_references_are_read_out_of_brackets(note: str, expected: list[Reference]) -> None:
    assert references(note) == expected


def test_references_resolve_to_all_codes_meant() -> None:
    names = ["E08", "E08.44", "E08.5", "E10", "E10.44", "E13", "E13.4", "E13.44", "E14"]
    assert Reference("E13", "E13").resolve(names) == ["E13", "E13.4", "E13.44"]
    assert Reference("E08", "E10").resolve(names) == ["E08", "E08.44", "E08.5", "E10", "E10.44"]
    assert Reference("E08", "E13", "44").resolve(names) == ["E08.44", "E10.44", "E13.44"]
    assert Reference("Z99", "Z99").resolve(names) == []


def test_partners_are_inherited_and_never_relatives() -> None:
    def code(name: str, parent: str | None, *notes: str) -> Code:
        return Code(name, name, parent, True, {"excludes1": notes} if notes else {})

    codes = [
        code("A00", None, "other (B00.-)"),
        code("A00.1", "A00", "another (C00) (A00)"),
        code("B00", None),
        code("B00.1", "B00"),
        code("C00", None, "too wide (A00-C00)"),
    ]
    found = excludes1(codes, widest=3)
    assert found == {"A00": ("B00", "B00.1"), "A00.1": ("B00", "B00.1", "C00")}


def test_the_shipped_code_set_has_partners_for_common_codes() -> None:
    partners = excludes1(ICD10CM().codes())
    assert "E13" in partners["E11.9"] and "B02.0" in partners["A85"]
    assert not {"E11", "E11.9"} & set(partners["E11.9"])
    assert len(partners) > 10_000
