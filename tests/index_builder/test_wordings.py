"""The clinicians' wordings: every row has a code that can be billed, and no wording stands for two."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import FormSource
from index_builder.tables.wordings import load_wordings


def test_rows_are_code_and_wording_and_comments_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text("# a comment\nM10.9\tpodagra flare\n\n", encoding="utf-8")
    (tmp_path / "a.tsv").write_text("I10\thigh pressures\n", encoding="utf-8")
    found = [(form.code, form.text) for form in load_wordings(tmp_path)]
    assert found == [("I10", "high pressures"), ("M10.9", "podagra flare")]


def test_every_code_can_be_billed() -> None:
    codes = {form.code for form in load_wordings()}
    assert len(codes) > 1000
    assert codes <= {code.code for code in ICD10CM(terms=None).codes() if code.billable}


def test_no_wording_stands_for_two_codes() -> None:
    codes = defaultdict(set)
    for form in load_wordings():
        codes[" ".join(form.text.casefold().split())].add(form.code)
    assert {wording: found for wording, found in codes.items() if len(found) > 1} == {}


def test_the_default_code_set_has_them() -> None:
    own = {(form.code, form.text) for form in ICD10CM().forms() if form.source is FormSource.CLINICIAN}
    assert own >= {(form.code, form.text) for form in load_wordings()}
    assert not [form for form in ICD10CM(terms=None).forms() if form.source is FormSource.CLINICIAN]
