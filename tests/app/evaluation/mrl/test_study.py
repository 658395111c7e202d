"""The figures of the report over a small index: learned prefixes, baselines, retrieval and operating points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.evaluation.corpora import CodedNote
from app.evaluation.errors import EvaluationError
from app.evaluation.mrl import accuracy, retrieval
from app.evaluation.mrl import representations as vectors_of
from app.evaluation.mrl.ablation import UNTRAINED
from app.evaluation.mrl.operating_points import operating_points
from app.evaluation.mrl.report import render, table
from app.evaluation.mrl.representations import Representation, of_checkpoints, pooled_states
from app.evaluation.mrl.sample import draw
from app.evaluation.mrl.study import StudyOptions, questions, study
from app.evaluation.run import options_for
from app.pipeline.note import Document, Note
from index_builder.index import CodeIndex
from index_builder.loader import load
from model.encoder import embed
from model.training.classifier_heads import HeadOptions
from model.training.weighting import NAMES
from tests.index_builder.fakes import FakeEncoder

OPTIONS = StudyOptions(forms=0, queries=20, database=120, steps=2, epochs=1, seeds=(0, 1))


def quiet(stage: str, done: int, total: int) -> None:
    assert 0 <= done <= total, stage


def test_pooled_states_give_the_vectors_of_the_index_and_are_encoded_once(index: CodeIndex, tmp_path: Path) -> None:
    encoder, forms = FakeEncoder(), index.catalog.forms()[:30]
    states = pooled_states(encoder, forms, tmp_path, quiet)
    vectors = vectors_of.projected(states, np.ascontiguousarray(encoder._projection.T))
    np.testing.assert_allclose(vectors, index.vectors(np.arange(30)), atol=1e-3)
    calls = len(encoder.calls)
    np.testing.assert_array_equal(pooled_states(encoder, forms, tmp_path, quiet), states)
    assert len(encoder.calls) == calls


def test_nearest_neighbours_know_the_code_and_noise_does_not(index: CodeIndex) -> None:
    sample = draw(index.catalog, 0, 0)
    noise = np.random.default_rng(0).normal(size=(len(sample.rows), 768)).astype(np.float32)
    compared = {"own": Representation(index.vectors(sample.rows)), "noise": Representation(noise)}
    found = accuracy.nearest(compared, sample, quiet)
    assert found["own"]["code"]["768"] > 0.9 and found["own"]["chapter"]["64"] > 0.9
    assert found["noise"]["code"]["768"] < 0.2


def test_a_representation_of_single_widths_is_asked_at_those(index: CodeIndex) -> None:
    sample = draw(index.catalog, 0, 0)
    one = Representation(separate={64: index.vectors(sample.rows)[:, :64]})
    assert set(accuracy.nearest({"one": one}, sample, quiet)["one"]["code"]) == {"64"}
    own = {"own": Representation(index.vectors(sample.rows)), "one": one}
    found = accuracy.linear(own, "own", sample, HeadOptions(epochs=4), quiet)
    assert set(found) == {f"own: {accuracy.MRL}", "one: a head each", f"own: {accuracy.MRL_E}"}
    assert set(found["one: a head each"]["category"]) == {"64"}
    assert found[f"own: {accuracy.MRL}"]["category"]["768"] > 0.9


def test_questions_are_answered_by_prefix(index: CodeIndex) -> None:
    found = questions(index, 0)
    assert set(found["respiratory or circulatory"]["64"]["recall"]) == {"respiratory", "circulatory"}
    assert set(found["which pneumonia category"]["768"]["recall"]) <= {f"J{n}" for n in range(12, 19)}
    assert found["which pneumonia code"]["768"]["accuracy"] > 0.8
    assert found["which pneumonia code"]["768"]["asked"] == 7 * 3 * 4  # every wording but the titles


def test_every_search_is_compared_with_exact_search(index: CodeIndex) -> None:
    sample = draw(index.catalog, 0, 0)
    found = retrieval.known_categories(index.vectors(sample.rows), sample, 20, quiet)
    assert found["methods"]["exact 768"]["agreement with exact"] == 1.0
    names = list(found["methods"])
    assert [name.split()[0] for name in names] == ["exact"] * 4 + ["adaptive"] * 4 + ["funnel"] * 2
    assert found["methods"]["exact 64"]["MFLOP/query"] < found["methods"]["exact 768"]["MFLOP/query"] / 11
    wide = "funnel 64: 800, 128: 400, 256: 200, 768: 10"
    assert found["methods"][wide]["agreement with exact"] == 1.0  # the shortlist holds the whole small database


def test_checkpoints_of_one_width_are_cut_to_it(index: CodeIndex, tmp_path: Path) -> None:
    forms = index.catalog.forms()[:10]
    [one] = of_checkpoints({64: FakeEncoder("other")}, forms, tmp_path, quiet).values()
    expected = embed(FakeEncoder(), [form.text for form in forms])[:, :64]
    np.testing.assert_allclose(one.at(64), expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-4)
    assert of_checkpoints({}, forms, tmp_path, quiet) == {}
    with pytest.raises(EvaluationError, match="100 dimensions"):
        of_checkpoints({100: FakeEncoder()}, forms, tmp_path, quiet)


def test_the_study_is_whole_and_renders(index: CodeIndex, tmp_path: Path) -> None:
    found = study(index, FakeEncoder(), {64: FakeEncoder("only 64")}, tmp_path, OPTIONS, quiet)
    assert set(found["weightings"]) == {UNTRAINED, *NAMES}
    assert vectors_of.CHECKPOINTS in found["nearest"] and vectors_of.SEPARATE in found["nearest"]
    points = found["adaptive"][1]["curve"]
    assert all(64 <= point["expected_dimension"] <= 768 for point in points)
    text = render({"versions": {"model": "fake"}, "parameters": {}, "study": found})
    for heading in (
        "1-NN accuracy: code",
        "Two questions",
        "Weightings",
        "Adaptive classification",
        "held-out categories",
    ):
        assert heading in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in lines) and len(lines) > 60


def test_a_narrow_index_cannot_be_studied(wordy_artifacts: Path, tmp_path: Path) -> None:
    from index_builder.narrow import narrow
    from index_builder.publish import current

    narrow(current(wordy_artifacts / "wordy"), tmp_path, 64, FakeEncoder(), builder_version="test")
    index = load(tmp_path, "wordy", FakeEncoder())
    with pytest.raises(ValueError, match="keeps 64 dimensions"):
        study(index, FakeEncoder(), {}, tmp_path, OPTIONS, quiet)
    index.close()


def test_operating_points_cost_less_the_less_is_kept(wordy_artifacts: Path, tmp_path: Path) -> None:
    words = "chapterJ categoryJ12 codeJ121"
    notes = [CodedNote("1", Note((Document(f"Seen for {words} today."),)), frozenset({"J12.1"}))]
    options = options_for(20, "balanced", "general", None)
    found = operating_points(wordy_artifacts, "wordy", FakeEncoder(), tmp_path, notes, options, quiet)
    assert list(found) == ["64", "128", "256", "768"]
    vectors = [one["vectors_bytes"] for one in found.values()]
    assert [size / vectors[0] for size in vectors] == [1, 2, 4, 12]
    assert all(one["R@20"] == 1.0 and one["seconds"]["mean"] > 0 for one in found.values())
    load(tmp_path / "64", "wordy", FakeEncoder()).close()
    parameters = {"corpus": "codiesp", "split": "dev", "top_k": 20, "limit": 1}
    text = render({"versions": {}, "parameters": parameters, "operating_points": found})
    assert "Operating points: codiesp/dev, top_k 20, first 1 notes" in text and "Two questions" not in text


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
