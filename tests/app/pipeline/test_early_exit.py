"""Early exits: off by default, bound to a calibration, a width and a top_k, and told wherever they happen."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.evaluation import early_exits
from app.pipeline.calibration import Calibration, CalibrationError, Thresholds
from app.pipeline.carried import fitting
from app.pipeline.early_exit import open_rule, save_rule, with_rule
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from model.last_stage import Curve, LastStage, Linear
from model.retrieval.early_exit import EarlyExit
from tests.index_builder.fakes import DISEASES

ANY = CodingOptions(assertion="annotate", billable_only=False, top_k=3)
NOTE = Note((Document("Typhoid fever with rash. Later shingles, and low back pain since lifting boxes. Cough."),))
KEPT = {64: 4, 256: 5}


def _calibration(rule: EarlyExit | None = None) -> Calibration:
    score = Linear(np.zeros(1), np.ones(1), np.array([5.0]), 0.0)
    stage = LastStage(score, Curve(np.array([-50.0, 50.0]), np.array([0.0, 1.0])), np.zeros(1))
    thresholds = Thresholds(0.5, 0.55, 0.2, 0.0)
    columns, flat = ("words_cosine",), {"": 0.0}
    return Calibration("general", "fake-1", columns, stage, thresholds, 0.0, flat, flat, version="1", early_exit=rule)


@pytest.fixture
def under(pipeline: CodingPipeline) -> Callable[[EarlyExit | None], CodingPipeline]:
    return lambda rule: pipeline.with_calibrations({"general": _calibration(rule)})


@pytest.mark.parametrize(("stage", "name"), [(64, "search64"), (256, "rescore256")])
def test_a_note_that_is_clear_goes_on_with_the_codes_kept(
    stage: int, name: str, under: Callable[[EarlyExit | None], CodingPipeline]
) -> None:
    forced = under(EarlyExit.always(stage, 3, KEPT))
    trace = forced.trace(NOTE, ANY)
    assert trace.final.stopped_after == forced.code([NOTE], [ANY])[0].stopped_after == name
    assert len(trace.rescore768) == len(trace.attend) == KEPT[stage]
    whole = under(None).trace(NOTE, ANY)
    first = whole.search64.codes[:4] if stage == 64 else whole.rescore256.codes[:5]
    assert set(trace.attend.codes) == set(first)
    for item in (*trace.final.codes, *trace.final.candidates):
        assert item.evidence and set(item.stage_scores) == {"64", "256", "768"}


def test_without_a_rule_or_a_clear_margin_nothing_changes(
    under: Callable[[EarlyExit | None], CodingPipeline],
) -> None:
    never = EarlyExit(3, KEPT, {64: math.inf, 256: math.inf}, 0.99, 1.0, 1.0)
    whole, looked = under(None).trace(NOTE, ANY), under(never).trace(NOTE, ANY)
    assert whole.margins == {} and whole.final.stopped_after is None
    assert set(looked.margins) == {64, 256} and looked.final.stopped_after == "rescore768"
    assert looked.attend == whole.attend
    assert (looked.final.codes, looked.final.candidates) == (whole.final.codes, whole.final.candidates)


def test_a_rule_holds_for_its_own_top_k_and_balanced_widths_only(
    under: Callable[[EarlyExit | None], CodingPipeline],
) -> None:
    forced = under(EarlyExit.always(64, 3, KEPT))
    for other in (replace(ANY, top_k=4), replace(ANY, widths="card")):
        assert forced.code([NOTE], [other])[0].stopped_after is None


def test_a_rule_is_bound_to_the_version_of_its_calibration_and_named_in_it(tmp_path: Path) -> None:
    file, loaded = tmp_path / "exits.json", {"general": _calibration()}
    rule = EarlyExit(3, KEPT, {64: 0.1, 256: math.inf}, 0.99, 1.0, 1.0, "general 1")
    save_rule(rule, file)
    assert open_rule(file) == rule
    stopping = with_rule(file, loaded, loaded)["general"]
    assert stopping.early_exit == rule and stopping.label.startswith("general 1 early exit ")
    carried = with_rule(file, loaded, fitting(loaded, "icd-10-pcs"))["general"]
    assert carried.early_exit is None and carried.label == "general 1 carried over"
    save_rule(replace(rule, learned_with="general 2"), file)
    with pytest.raises(CalibrationError, match=r"exits.json: was learned with the calibration 'general 2'"):
        with_rule(file, loaded, loaded)
    file.write_text(json.dumps({**rule.to_json(), "format": 9}))
    with pytest.raises(CalibrationError, match="format is 9"):
        open_rule(file)
    with pytest.raises(CalibrationError, match="FileNotFoundError"):
        open_rule(tmp_path / "none.json")


def test_a_learned_rule_keeps_the_agreement_asked_for(
    under: Callable[[EarlyExit | None], CodingPipeline],
) -> None:
    wordings = [title for title, _ in DISEASES.values()]
    notes = [
        Note((Document(f"{one}. Also {other}, and {third} since."),))
        for one, other, third in zip(wordings, wordings[4:], wordings[7:], strict=False)
    ]
    read = early_exits.read_notes(under(None), under, notes, ANY, lambda *_: None)
    assert len(read) == len(notes)
    for target in (0.5, 1.0):
        found = early_exits.measure(read, 3, target, "general 1")
        rule = EarlyExit(**found["rule"])
        assert rule.agreement >= target - 1e-9 and rule.learned_with == "general 1"
        held = found["held out, by target"]
        assert all(sum(one["stopped after"].values()) == len(notes) for one in held.values()) and str(target) in held
        stages = [rule.taken(note.example) for note in read]
        coded = under(rule).code(notes, [ANY] * len(notes))
        names = {64: "search64", 256: "rescore256", None: "rescore768"}
        assert [one.stopped_after for one in coded] == [names[stage] for stage in stages]
    with pytest.raises(ValueError, match="no notes"):
        early_exits.learn([], 3, 0.9, "")
