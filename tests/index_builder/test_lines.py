"""The marked lines: every code can be billed, marks are whole, and what becomes a wording means one code."""

from __future__ import annotations

from pathlib import Path

import pytest

from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import FormSource, SurfaceForm
from index_builder.marks import Mark
from index_builder.tables.lines import MarkedLine, line_wordings, load_lines
from index_builder.tables.wordings import load_wordings


def lines(tmp_path: Path, *texts: str) -> list[MarkedLine]:
    (tmp_path / "a.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    return load_lines(tmp_path)


def test_a_line_is_its_text_and_its_marks(tmp_path: Path) -> None:
    [line] = lines(tmp_path, "s/p [[lap chole|Z90.49]] and [[HTN with CHF|I11.0+I50.9]]", "")
    assert line.text == "s/p lap chole and HTN with CHF"
    assert line.marks == (
        Mark("Z90.49", 4, 13, False),
        Mark("I11.0", 18, 30, False),
        Mark("I50.9", 18, 30, False),
    )


@pytest.mark.parametrize("broken", ["no mark at all", "[[gout|M10.9]", "[[gout|M10.9]] and [[more"])
def test_a_line_without_a_whole_mark_is_refused_with_its_place(broken: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a.txt line 2: expected words marked"):
        lines(tmp_path, "[[gout flare|M10.9]]", broken)


def test_wordings_are_what_means_one_code_in_more_words_than_one(tmp_path: Path) -> None:
    found = line_wordings(
        lines(
            tmp_path,
            "[[big toe gout|M10.9]] again, [[Big toe  gout|M10.9]]",
            "[[kidney trouble|N18.9]], later [[Kidney trouble|N17.9]]",
            "[[HTN with CHF|I11.0+I50.9]], [[warfarin|Z79.01]], [[Plavix 75|Z79.02]], [[sugar diabetes|E11.9]]",
        ),
        {"sugar diabetes"},
    )
    assert list(found) == [SurfaceForm("M10.9", "big toe gout", FormSource.CLINICIAN)]


def test_every_code_that_is_marked_can_be_billed() -> None:
    codes = {mark.code for line in load_lines() for mark in line.marks}
    assert len(codes) > 4000
    assert codes <= {code.code for code in ICD10CM(terms=None).codes() if code.billable}


def test_no_line_stands_twice() -> None:
    texts = [line.text.casefold() for line in load_lines()]
    assert len(texts) > 9000
    assert len(set(texts)) > 0.99 * len(texts)


def test_no_wording_of_the_default_code_set_is_given_to_two_codes_by_clinicians() -> None:
    taken = {form.text.casefold() for form in load_wordings()}
    wordings = list(line_wordings(load_lines(), taken))
    texts = [" ".join(form.text.casefold().split()) for form in wordings]
    assert len(texts) == len(set(texts)) and taken.isdisjoint(texts)
    forms = {(form.code, form.text) for form in ICD10CM().forms() if form.source is FormSource.CLINICIAN}
    assert {(form.code, form.text) for form in wordings} <= forms
