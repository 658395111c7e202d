"""Calibrations: an artifact that is verified, and answers whose probabilities and thresholds come from it."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.pipeline.calibration import Calibration, CalibrationError, Thresholds, load, load_all, save
from app.pipeline.decision import floors_of
from app.pipeline.features import FEATURES
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.wordstems import stems
from model.last_stage import Curve, LastStage, Linear

NOTE = Note((Document("Reason for visit: hay fever. He has low back pain since lifting boxes."),))
ANY = CodingOptions(assertion="annotate", billable_only=False)


def calibration(model: str, **changes: object) -> Calibration:
    """Probability rises with the words' cosine, and with the prior."""
    features = ("words_cosine", "prior")
    score = Linear(np.array([0.7, 0.0]), np.ones(2), np.array([10.0, 1.0]), 0.0)
    curve = Curve(np.array([-20.0, 0.0, 20.0]), np.array([0.0, 0.5, 1.0]))
    stage = LastStage(score, curve, np.zeros(2))
    one = Calibration(
        "general", model, features, stage, Thresholds(0.5, 0.55, 0.2, 0.1), 0.03, {"": 0.0}, {"": 0.0}, {"notes": 3}
    )
    return replace(one, **changes)  # type: ignore[arg-type]


@pytest.fixture
def calibrated(pipeline: CodingPipeline) -> CodingPipeline:
    model = pipeline.versions.model
    second = calibration(model, name="other", prior={"": 0.0, "M54": -4.0})
    return pipeline.with_calibrations({"general": calibration(model), "other": second})


def test_the_artifact_comes_back_as_it_was_and_the_same_content_has_the_same_bytes(tmp_path: Path) -> None:
    one = calibration("m1", prior={"": -1.0, "J30": 0.5})
    version = save(one, tmp_path / "a.calibration.json.gz")
    save(one, tmp_path / "b.calibration.json.gz")
    again = load(tmp_path / "a.calibration.json.gz")
    rows = np.random.default_rng(0).normal(size=(7, len(FEATURES))).astype(np.float32)
    np.testing.assert_array_equal(again.logits(rows), one.logits(rows))
    assert (again.version, again.thresholds, again.prior, again.learned) == (
        version,
        one.thresholds,
        one.prior,
        one.learned,
    )
    assert (tmp_path / "a.calibration.json.gz").read_bytes() == (tmp_path / "b.calibration.json.gz").read_bytes()


def test_a_changed_or_broken_artifact_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "general.calibration.json.gz"
    save(calibration("m1"), file)
    content = json.loads(gzip.decompress(file.read_bytes()))
    for change in ({"search_weight": 1.0}, {"format": 9}, {"features": ["unheard_of"]}):
        file.write_bytes(gzip.compress(json.dumps({**content, **change}).encode()))
        with pytest.raises(CalibrationError, match=r"general\.calibration"):
            load(file)
    for broken in (b"", b"not gzip", gzip.compress(b"[]"), gzip.compress(b"{}")):
        file.write_bytes(broken)
        with pytest.raises(CalibrationError):
            load(file)


def test_the_bytes_of_an_artifact_are_bound_to_its_version_however_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "general.calibration.json.gz"
    version = save(calibration("m1"), file)
    raw = gzip.decompress(file.read_bytes())
    assert raw.endswith(f',"version":"{version}"}}'.encode())  # what `load` hashes is all before it
    file.write_bytes(gzip.compress(json.dumps(json.loads(raw), indent=1).encode()))
    assert load(file).version == version
    file.write_bytes(gzip.compress(raw.replace(b'"m1"', b'"m2"')))
    with pytest.raises(CalibrationError, match="does not match its version"):
        load(file)


def test_only_calibrations_of_the_loaded_model_are_offered(tmp_path: Path) -> None:
    save(calibration("m1"), tmp_path / "general.calibration.json.gz")
    save(calibration("m2", name="site"), tmp_path / "site.calibration.json.gz")
    assert set(load_all([tmp_path], "m1")) == {"general"}
    assert load_all([tmp_path], "m3") == {}


def test_answers_carry_probabilities_in_the_order_of_their_scores(calibrated: CodingPipeline) -> None:
    coding = calibrated.code([NOTE], [ANY])[0]
    for listed in (coding.codes, coding.candidates):
        probabilities = [item.probability for item in listed]
        assert None not in probabilities
        assert [item.score for item in listed] == sorted((item.score for item in listed), reverse=True)
        assert probabilities == sorted(probabilities, reverse=True)  # type: ignore[type-var]
    assert all(item.probability is not None and item.probability >= 0.5 for item in coding.codes)
    assert all(item.probability is not None and 0.1 <= item.probability < 0.5 for item in coding.candidates)
    assert {"J30", "M54"} <= {item.code for item in coding.codes}


def test_a_request_chooses_its_calibration(calibrated: CodingPipeline) -> None:
    general, other = calibrated.code([NOTE, NOTE], [ANY, replace(ANY, calibration="other")])
    by_code = [{i.code: i.probability for i in (*c.codes, *c.candidates)} for c in (general, other)]
    assert by_code[0]["M54"] > by_code[1].get("M54", 0.0)  # type: ignore[operator]
    assert by_code[0]["J30"] == by_code[1]["J30"]
    with pytest.raises(KeyError):
        calibrated.code([NOTE], [replace(ANY, calibration="unheard of")])


def test_a_threshold_moves_the_line_between_the_lists(calibrated: CodingPipeline) -> None:
    strict = calibrated.code([NOTE], [replace(ANY, threshold=1.0)])[0]
    assert strict.codes == () and {"J30", "M54"} <= {item.code for item in strict.candidates}
    lax = calibrated.code([NOTE], [replace(ANY, threshold=0.0)])[0]
    assert lax.candidates == () and len(lax.codes) >= len(strict.candidates)
    own = calibration("m1")
    assert (floors_of(own, 0.05).codes, floors_of(own, 0.05).candidates) == (0.05, 0.05)


def test_the_answer_does_not_depend_on_what_shares_the_call(calibrated: CodingPipeline) -> None:
    other = Note((Document("Shingles of the chest wall, and a cough."),))
    alone = calibrated.code([NOTE], [ANY])[0]
    together = calibrated.code([other, NOTE, other], [ANY] * 3)[1]
    assert (alone.codes, alone.candidates) == (together.codes, together.candidates)


def test_features_say_what_they_are_called(pipeline: CodingPipeline) -> None:
    found = pipeline.shortlist(NOTE, ANY)
    names = [pipeline.catalog.code_names[p] for p in found.positions.tolist()]
    rows = dict(zip(names, found.columns, strict=True))
    value = {name: rows["M54"][FEATURES.index(name)] for name in FEATURES}
    assert np.isfinite(found.columns).all() and found.columns.shape[1] == len(FEATURES)
    assert value["words_cosine"] >= value["clause_cosine"] - 1e-6 and value["wording_found"] == 1
    assert value["literal"] == 1 and value["crowd"] == 0 and value["clause_gap"] == 0 and value["prior"] == 0
    assert 0.3 < value["position"] < 0.6 and value["mentions"] == pytest.approx(1.0)
    assert stems("Fractured the femur") == {"fractu", "femur"}
