from __future__ import annotations

from app.pipeline.coding import Caution, CodedItem, Coding, Evidence
from app.pipeline.merging import merged


def item(code: str, score: float, system: str = "cm") -> CodedItem:
    evidence = (Evidence(0, 0, 4, "gout", 1.0, None),)
    return CodedItem(code, code, system, "2026-04", 1, score, score, True, evidence, {})


def names(items: tuple[CodedItem, ...]) -> list[tuple[str, int]]:
    return [(one.code, one.rank) for one in items]


def test_codes_of_all_sets_are_one_ranking_and_keep_their_list() -> None:
    one = Coding((item("B", 0.9), item("A", 0.5)), (item("C", 0.3),), (), {"encode": 5.0, "search64": 1.0})
    two = Coding((item("P", 0.7, "pcs"),), (item("Q", 0.6, "pcs"),), (), {"search64": 2.0})
    answer = merged([one, two], 4)
    assert names(answer.codes) == [("B", 1), ("P", 2), ("A", 4)]
    assert names(answer.candidates) == [("Q", 3)]
    assert [one.system for one in answer.codes] == ["cm", "pcs", "cm"]
    assert answer.timings_ms == {"encode": 5.0, "search64": 3.0}


def test_the_same_code_of_two_systems_stands_in_its_own_list() -> None:
    one, two = Coding((item("V70.0", 0.9),), (), ()), Coding((), (item("V70.0", 0.2, "9"),), ())
    answer = merged([one, two], 20)
    assert ([i.system for i in answer.codes], [i.system for i in answer.candidates]) == (["cm"], ["9"])


def test_suppressed_codes_and_warnings_come_along() -> None:
    caution = Caution("rule", "Something.")
    one = Coding((), (), (item("A", 0.2),), warnings=(caution,))
    two = Coding((), (), (item("B", 0.4),), warnings=(caution, Caution("other", "Else.")), truncated=True)
    answer = merged([one, two], 1)
    assert names(answer.suppressed) == [("B", 1)]
    assert [warning.rule for warning in answer.warnings] == ["rule", "other"]
    assert answer.truncated
