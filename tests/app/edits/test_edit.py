"""Warnings, alternatives and fields as they reach the answer; nothing is removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.edits.case import Case
from app.edits.edit import MOST_ALTERNATIVES, RULES, edited
from app.edits.facts import RuleBook
from app.edits.hcc import load_hcc, read_hcc
from app.edits.rules.principal import order
from app.edits.rules.specificity import headers
from app.pipeline.coding import Alternative, Caution, Coding
from index_builder.catalog import Catalog
from tests.app.edits.conftest import Slice
from tests.index_builder.fakes import FakeCodeSet

Plain = Callable[..., Case]


def half(codes: Sequence[str]) -> list[float]:
    return [0.5] * len(codes)


def coding(case: Case, **fields: object) -> Coding:
    return replace(Coding(case.codes, case.candidates, ()), **fields)  # type: ignore[arg-type]  # its own fields


def test_nothing_is_removed_and_nothing_changes_its_place(plain: Plain) -> None:
    case = plain("E11.9", "E11.22", "N18.9", "W19.XXXA", candidates=["I10"], inpatient=True)
    answer = edited(coding(case), case, half)
    assert [item.code for item in answer.codes] == list(case.names)
    assert [item.code for item in answer.candidates] == ["I10"]
    assert [item.score for item in answer.codes] == [item.score for item in case.codes]


def test_a_warning_about_two_codes_stands_at_both_and_at_the_answer(plain: Plain) -> None:
    case = plain("J44.9", "J44.1", "I10")
    before = Caution("service-date-outside-edition", "said before")
    answer = edited(coding(case, warnings=(before,)), case, half)
    assert [[caution.rule for caution in item.warnings] for item in answer.codes] == [["duplicate"], ["duplicate"], []]
    assert [caution.rule for caution in answer.warnings] == ["service-date-outside-edition", "duplicate"]


def test_offered_codes_stand_before_those_of_the_search_and_keep_their_scores(plain: Plain) -> None:
    case = plain("M17.10")
    found = (Alternative("I10", "of the search", 0.8), Alternative("M17.12", "of the search", 0.7))
    item = replace(case.codes[0], alternatives=found)
    answer = edited(Coding((item,), (), ()), replace(case, codes=(item,)), half)
    shown = [(one.code, one.score) for one in answer.codes[0].alternatives]
    assert shown == [("M17.11", 0.5), ("M17.12", 0.7), ("I10", 0.8)]


def test_alternatives_are_few(plain: Plain) -> None:
    case = plain("M17.10")
    many = tuple(Alternative(f"X{number:02}", "", 0.1) for number in range(20))
    item = replace(case.codes[0], alternatives=many)
    answer = edited(Coding((item,), (), ()), replace(case, codes=(item,)), half)
    assert len(answer.codes[0].alternatives) == MOST_ALTERNATIVES


def test_fields_are_filled_in_all_three_lists(plain: Plain) -> None:
    case = plain("E11.22", "Z79.4", candidates=["N18.4"])
    [header] = plain("M25.56").codes
    answer = edited(coding(case, suppressed=(header,)), case, half)
    assert [item.poa_exempt for item in (*answer.codes, *answer.candidates)] == [False, True, False]
    assert answer.suppressed[0].poa_exempt is None and answer.suppressed[0].hcc is None
    assert answer.codes[0].hcc == "37" and answer.candidates[0].hcc == "327"


def test_another_code_set_has_no_edits(tmp_path: Path, plain: Plain) -> None:
    book = RuleBook(Catalog.write(FakeCodeSet(), tmp_path / "catalog.sqlite"))
    case = plain("J44.9", "J44.1", inpatient=True)
    answer = coding(case)
    assert edited(answer, replace(case, book=book), half) is answer


def test_rules_that_say_nothing_leave_the_answer_as_it_is(plain: Plain) -> None:
    case = plain("I10")
    assert edited(coding(case), case, half, rules=[headers]).codes[0].warnings == ()
    assert edited(coding(plain()), plain(), half, RULES).warnings == ()


def test_categories_are_read_by_model_and_joined(tmp_path: Path) -> None:
    table = tmp_path / "ra_dx_to_cc_2027.csv"
    rows = ["diagnosis_code,cc,model_name", "E08311,298,CMS-HCC Model V28", "E08311,37,CMS-HCC Model V28"]
    table.write_text("\n".join([*rows, "E08311,18,CMS-HCC Model V24"]) + "\n")
    assert dict(read_hcc(table)) == {"E08311": "37, 298"}
    assert load_hcc()["E1122"] == "37"


def test_the_tables_name_codes_of_the_code_set() -> None:
    tables = order()
    assert {rule for _, rule, _ in tables.never} == {"external-cause-principal", "unacceptable-principal"}
    assert set(tables.spared) == {"Z00.6", "Z52.9"} and Slice.name == "icd-10-cm"
