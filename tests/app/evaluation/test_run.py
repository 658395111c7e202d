"""An evaluation of a small made-up pipeline, end to end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from app.evaluation import report
from app.evaluation.corpora import CodedNote
from app.evaluation.measure import Figures, measure
from app.evaluation.run import Setting, options_for, run
from app.pipeline.coder import Versions
from app.pipeline.coding import CodedItem, Coding, Evidence
from app.pipeline.note import CodingOptions, Document, Note, stage_widths
from app.pipeline.trace import Ranking, Trace

EDITION = [f"A{place:02d}.{leaf}" for place in range(60) for leaf in range(5)]
TEXT = "Cough since Monday"


def ranking_of(codes: list[str]) -> Ranking:
    return Ranking(tuple(codes), tuple(1 - place / 1000 for place in range(len(codes))))


def item(code: str, rank: int, supported: bool = True) -> CodedItem:
    spans = (Evidence(0, 0, 5, "Cough", 1.0, None),) if supported else ()
    return CodedItem(code, code, "system", "1", rank, 1 - rank / 1000, None, True, spans, {})


class Recipe:
    """A pipeline whose 64-d search finds the gold late, and whose exact search finds it first."""

    versions = Versions("model", "index", "set 1")

    def __init__(self) -> None:
        self.asked: list[tuple[CodingOptions, bool]] = []

    def trace(self, note: Note, options: CodingOptions, *, exact: bool = False, prefixes: bool = False) -> Trace:
        self.asked.append((options, exact))
        coarse, fine = ranking_of(EDITION), ranking_of(EDITION[30:] + EDITION[:30])
        widths = stage_widths(options.widths, options.top_k)
        kept = [code for code in fine.codes if code in EDITION[: widths.shortlist]]
        coded = [item(code, rank, rank > 1) for rank, code in enumerate(kept[: options.top_k], start=1)]
        return Trace(
            search64=coarse,
            rescore256=coarse,
            rescore768=ranking_of(kept),
            attend=ranking_of(kept),
            exact768=fine if exact else None,
            final=Coding(tuple(coded[:10]), tuple(coded[10:]), ()),
            prefixes={64: coarse, 768: fine} if prefixes else {},
        )


def notes() -> list[CodedNote]:
    note = Note((Document(TEXT),))
    return [
        CodedNote("1", note, frozenset({"A06.0", "A00.0"})),
        CodedNote("2", note, frozenset({"A06.1", "Z99.RETIRED"})),
    ]


def evaluated(top_k: int = 200, exact_notes: int = 1) -> Figures:
    options = options_for(top_k, "card", "general", None)
    done = run(Recipe(), notes(), options, exact_notes, lambda *_: None)
    return measure(done, frozenset(EDITION), {"A06.0": 3})


def test_options_are_those_of_every_evaluation() -> None:
    coder = Recipe()
    run(coder, notes(), options_for(200, "card", "general", None), 0, lambda *_: None)
    assert {(asked.billable_only, asked.assertion) for asked, _ in coder.asked} == {(False, "annotate")}
    assert [exact for _, exact in coder.asked] == [False, False]


def test_both_widths_are_compared_at_both_depths_and_nothing_is_coded_twice() -> None:
    coder = Recipe()
    done = run(coder, notes(), options_for(200, "card", "general", None), 1, lambda *_: None)
    assert done.comparison is not None
    assert list(done.comparison.cascades) == [
        Setting("card", 20),
        Setting("balanced", 20),
        Setting("card", 200),
        Setting("balanced", 200),
    ]
    assert len(coder.asked) == 2 + 1 + 3


def test_stages_are_cut_at_their_widths() -> None:
    figures = evaluated(top_k=20)
    assert figures["stages"]["search64"]["codes"] == 200
    assert figures["stages"]["rescore256"]["codes"] == 20
    assert figures["stages"]["search64"]["recall"] == pytest.approx((1 + 1 / 2) / 2)
    assert figures["stages"]["rescore256"]["recall"] == pytest.approx((1 / 2 + 0) / 2)


def test_the_comparison_with_exact_search_states_what_the_cascade_lost() -> None:
    cascades = {(one["widths"], one["top_k"]): one for one in evaluated()["exact"]["cascades"]}
    assert cascades["card", 20]["top20_agreement"] == 0.0
    assert cascades["card", 20]["R@20_change"] == pytest.approx(1 / 2 - 1 / 2)
    assert cascades["balanced", 20]["top20_agreement"] == 1.0
    assert cascades["balanced", 20]["shortlist"] == 100


def test_codes_that_the_edition_lacks_stay_gold_and_are_counted() -> None:
    figures = evaluated()
    assert figures["corpus"]["unreachable_codes"] == ["Z99.RETIRED"]
    assert figures["ranking"]["R@200"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert figures["assignment"]["labels"] == len(EDITION) + 1


def test_buckets_assignment_and_evidence_describe_the_final_list() -> None:
    figures = evaluated()
    assert {name: one["gold"] for name, one in figures["buckets"].items()} == {"0": 3, "1-7": 1, "8+": 0}
    assert figures["assignment"]["as_answered"]["predicted"] == 20
    assert figures["assignment"]["as_answered"]["micro_f1"] == pytest.approx(2 * 2 / (20 + 4))
    assert figures["assignment"]["threshold_on"] == "score"
    assert figures["evidence"]["share_without_evidence"] == pytest.approx(2 / 400)
    assert figures["evidence"]["wrong_offsets"] == 0


class WithOptional(CodedNote):
    """A note whose A06.1, which the recipe ranks between the gold codes, may be reported and need not be."""

    @property
    def uncounted(self) -> frozenset[str]:
        return frozenset({"A06.1"})


@pytest.mark.parametrize(("kind", "precision", "predicted"), [(CodedNote, 5 / 6, 10), (WithOptional, 1.0, 9)])
def test_codes_that_need_not_be_reported_are_neither_right_nor_wrong(
    kind: type[CodedNote], precision: float, predicted: int
) -> None:
    coded = kind("1", Note((Document(TEXT),)), frozenset({"A06.0", "A06.2"}))
    done = run(Recipe(), [coded], options_for(200, "card", "general", None), 0, lambda *_: None)
    figures = measure(done, frozenset(EDITION), None)
    assert figures["ranking"]["MAP"] == pytest.approx(precision)
    assert figures["assignment"]["as_answered"]["predicted"] == predicted


def test_the_report_is_json_without_nan_and_a_table_that_names_its_widths(tmp_path: Path) -> None:
    figures = evaluated()
    assert math.isnan(figures["buckets"]["8+"]["MAP"])
    parameters = {"corpus": "made-up", "split": "dev", "top_k": 200, "widths": "card"}
    parameters |= {"billable_only": False, "assertion": "annotate"}
    whole = {"parameters": parameters, "versions": {"model": "m"}, **figures}
    report.write(whole, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["buckets"]["8+"]["MAP"] is None
    console = Console(record=True, width=120, file=(tmp_path / "table.txt").open("w", encoding="utf-8"))
    console.print(report.render(whole))
    console.file.close()
    table = console.export_text()
    assert "balanced, top_k 20: 400 -> 200 -> 100" in table
    assert "unreachable gold: 1" in table


def test_two_runs_give_the_same_figures() -> None:
    one, other = (evaluated() for _ in range(2))
    assert {k: v for k, v in one.items() if k not in ("seconds_per_note", "buckets")} == {
        k: v for k, v in other.items() if k not in ("seconds_per_note", "buckets")
    }
