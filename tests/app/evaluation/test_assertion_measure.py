"""What counts as a leak, and what as lost, among the answers to an assertion trap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from app.evaluation.assertion_measure import TrapsMeasured, leaks_of, measure_traps
from app.evaluation.assertion_report import render
from app.evaluation.assertion_traps import Trap, read_traps
from app.pipeline.coding import CodedItem, Coding, Evidence
from app.pipeline.note import CodingOptions, Note

TEXT = "No chest pain but has dyspnea; mother had gout."


def _trap(folder: Path, encounter: str = "outpatient", offers: str = "Z84") -> Trap:
    marked = "No {negated R07 chest pain} but has {present R06 dyspnea}; mother had {family M10 gout}."
    (folder / "traps.tsv").write_text(f"id\tencounter\toffers\ttext\na-1\t{encounter}\t{offers}\t{marked}\n")
    (trap,) = read_traps(folder)
    return trap


def _item(code: str, *words: str) -> CodedItem:
    spans = [(TEXT.index(word), TEXT.index(word) + len(word)) for word in words]
    evidence = tuple(Evidence(0, start, end, TEXT[start:end], 0.9, None) for start, end in spans)
    return CodedItem(code, "", "", "", 1, 0.9, 0.9, True, evidence, {})


def _coding(*codes: CodedItem, candidates: Sequence[CodedItem] = ()) -> Coding:
    return Coding(codes, tuple(candidates), ())


def test_a_trap_is_read_with_its_words_in_place(tmp_path: Path) -> None:
    trap = _trap(tmp_path)
    assert trap.text == TEXT
    assert [trap.text[f.start : f.end] for f in trap.findings] == ["chest pain", "dyspnea", "gout"]
    assert [f.counts("outpatient") for f in trap.findings] == [False, True, False]


@pytest.mark.parametrize(
    ("item", "leaks"),
    [
        (_item("R07.9", "chest pain"), ["negated"]),
        (_item("R07.9", "dyspnea"), ["negated"]),
        (_item("I20.9", "chest pain"), ["negated"]),
        (_item("M1A.9", "gout"), ["family"]),
        (_item("I20.9", "chest pain", "dyspnea"), []),
        (_item("R06.02", "chest pain"), []),
        (_item("Z84.0", "gout"), []),
        (_item("Z71.9", "gout"), []),
    ],
)
def test_a_leak_is_told_by_its_code_or_by_words_that_are_all_wrong(
    item: CodedItem, leaks: list[str], tmp_path: Path
) -> None:
    assert [leak.said for leak in leaks_of(_trap(tmp_path), _coding(item))] == leaks


class _Coder:
    """Answers with one coding when findings are filtered and with another when they are annotated."""

    def __init__(self, served: Coding, annotated: Coding) -> None:
        self._codings = {"filter": served, "annotate": annotated}

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        return [self._codings[wanted.assertion] for wanted in options]


def _measured(trap: Trap, served: Coding, annotated: Coding) -> TrapsMeasured:
    return measure_traps(_Coder(served, annotated), [trap], "general", lambda *_: None)


def test_a_finding_is_lost_when_suppressing_lowers_it(tmp_path: Path) -> None:
    trap, dyspnea = _trap(tmp_path), _item("R06.00", "dyspnea")
    lost = _measured(trap, _coding(candidates=[dyspnea]), _coding(dyspnea))
    assert [one.codes for one in lost.lost] == [("R06",)]
    assert (lost.findings, lost.findings_coded, lost.findings_listed) == (1, 0, 1)
    assert _measured(trap, _coding(dyspnea), _coding(dyspnea)).lost == ()
    assert _measured(trap, _coding(), _coding()).lost == (), "what the search never found is not lost to assertion"


def test_an_offer_that_is_nowhere_is_named(tmp_path: Path) -> None:
    trap, offer = _trap(tmp_path), _item("Z84.0", "gout")
    assert _measured(trap, _coding(), _coding()).offers_missing == ("a-1 Z84",)
    found = _measured(trap, _coding(candidates=[offer]), _coding())
    assert (found.offers, found.offers_coded, found.offers_listed, found.offers_missing) == (1, 0, 1, ())


def test_the_report_names_each_trap_that_failed(tmp_path: Path) -> None:
    found = _measured(_trap(tmp_path), _coding(_item("R07.9", "chest pain")), _coding(_item("R06.00", "dyspnea")))
    console = Console(width=200)
    with console.capture() as captured:
        console.print(render({"versions": {"model": "m"}, "traps": asdict(found)}))
    said = captured.get()
    assert "leaks into codes: 1 negated 1" in said and "a-1: R07.9 (negated)" in said and "a-1: R06" in said
