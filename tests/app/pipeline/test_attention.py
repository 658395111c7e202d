"""The planted label attention in the last stage: bound to its calibration, computed on the note alone."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.cli import calibrate
from app.evaluation.calibration.learn import Recipe, learn
from app.evaluation.corpora import CodedNote
from app.pipeline.attention import note_tokens
from app.pipeline.calibration import (
    Calibration,
    CalibrationError,
    Thresholds,
    attention_file,
    load,
    load_all,
    open_attention,
    save,
)
from app.pipeline.carried import NEUTRAL, fitting
from app.pipeline.encoding import encode
from app.pipeline.features import FEATURES
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.segment import segment
from app.pipeline.words import WordReader
from model.attention.label_attention import LabelAttention
from model.last_stage import Curve, LastStage, Linear
from model.nested import prefix
from tests.index_builder.fakes import DISEASES, FakeEncoder
from tests.model.attention.weights import SMALL, random_weights

NOTE = Note((Document("Typhoid fever with rash. Later shingles, and low back pain since lifting boxes. Cough."),))
OTHER = Note((Document("Migraine with aura, and a cough."),))
ANY = CodingOptions(assertion="annotate", billable_only=False)


def calibration(model: str, weight: float = 1.0, name: str = "general") -> Calibration:
    """Half the words' cosine, and the attention."""
    score = Linear(np.zeros(2), np.ones(2), np.array([5.0, weight]), 0.0)
    stage = LastStage(score, Curve(np.array([-50.0, 50.0]), np.array([0.0, 1.0])), np.zeros(2))
    return Calibration(
        name,
        model,
        ("words_cosine", "attention"),
        stage,
        Thresholds(0.5, 0.55, 0.2, 0.0),
        0.0,
        {"": 0.0},
        {"": 0.0},
        {NEUTRAL: -2.0},
    )


def write(folder: Path, encoder: str = "fake-1", seed: int = 0) -> Path:
    file = folder / "trained.safetensors"
    random_weights(replace(SMALL, encoder=encoder), seed).save(file)
    return file


def bound(folder: Path, model: str = "fake-1") -> Calibration:
    """A calibration saved beside its attention, and loaded again."""
    attention, version = open_attention(write(folder, model), model)
    attention_file(folder, "general").write_bytes((folder / "trained.safetensors").read_bytes())
    save(replace(calibration(model), attention=version, planted=attention), folder / "general.calibration.json.gz")
    return load_all([folder], model)["general"]


@pytest.fixture
def planted(pipeline: CodingPipeline, tmp_path: Path) -> CodingPipeline:
    return pipeline.with_calibrations({"general": bound(tmp_path)})


def column(pipeline: CodingPipeline, note: Note) -> dict[str, float]:
    found = pipeline.shortlist(note, ANY)
    names = [pipeline.catalog.code_names[p] for p in found.positions.tolist()]
    return dict(zip(names, found.columns[:, FEATURES.index("attention")].tolist(), strict=True))


def test_the_column_is_the_logit_of_the_whole_note(pipeline: CodingPipeline, planted: CodingPipeline) -> None:
    encoder = FakeEncoder()
    encoded = encode(encoder, [segment(NOTE)])[0]
    tokens = note_tokens(encoded, WordReader(encoder, encoded))
    assert {"typhoid", "shingle", "cough"} <= set(tokens.words)
    attention = LabelAttention(random_weights(replace(SMALL, encoder="fake-1")))
    found = column(planted, NOTE)
    assert {"A01", "B02", "M54"} <= set(found)  # two that the attention knows, one that it never saw
    catalog = pipeline.catalog
    for code in ("A01", "B02", "M54"):
        position = catalog.position(code)
        assert position is not None
        first, last = catalog.offsets[position : position + 2].tolist()
        wordings = prefix(pipeline.index.vectors(np.arange(first, last)), SMALL.width)
        names = [code] * len(wordings)
        each = attention.logits(tokens.vectors, attention.token_ids(tokens.words), wordings, names).logits
        assert np.abs(each - found[code]).min() < 1e-4
    assert set(column(pipeline, NOTE).values()) == {0.0}


def test_tokens_read_before_are_not_projected_again(pipeline: CodingPipeline) -> None:
    encoder = FakeEncoder()
    encoded = encode(encoder, [segment(NOTE)])[0]
    fresh, used = WordReader(encoder, encoded), WordReader(encoder, encoded)
    used.nearest(encoded.vectors[1], 1)
    kept = used.projected()[1]
    for one, two in zip(fresh.projected(), used.projected(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
    assert used.projected()[1] is kept


def test_answers_do_not_depend_on_what_shares_the_call(planted: CodingPipeline) -> None:
    alone = planted.code([NOTE], [ANY])[0]
    together = planted.code([OTHER, NOTE, OTHER], [ANY] * 3)[1]
    assert alone.codes and (alone.codes, alone.candidates) == (together.codes, together.candidates)


def test_a_note_without_words_has_no_codes(planted: CodingPipeline) -> None:
    coding = planted.code([Note((Document(" ... "),))], [ANY])[0]
    assert coding.codes == coding.candidates == ()


def test_only_a_calibration_that_names_an_attention_has_another_version(tmp_path: Path) -> None:
    plain = replace(calibration("m"), features=("words_cosine", "title"))
    file = tmp_path / "one.calibration.json.gz"
    version = save(plain, file)
    assert load(file).version == version and load(file).attention == ""
    assert save(replace(calibration("m"), attention="a"), file) != save(replace(calibration("m"), attention="b"), file)
    save(calibration("m"), file)
    with pytest.raises(CalibrationError, match=r"one\.calibration.*does not name"):
        load(file)


def test_a_missing_or_other_attention_is_refused_by_name(tmp_path: Path) -> None:
    bound(tmp_path)
    file = attention_file(tmp_path, "general")
    whole = file.read_bytes()
    file.write_bytes(write(tmp_path, seed=1).read_bytes())
    with pytest.raises(CalibrationError, match=r"general\.attention\.safetensors: has the version"):
        load_all([tmp_path], "fake-1")
    file.write_bytes(whole[:100])
    with pytest.raises(CalibrationError, match=r"general\.attention\.safetensors"):
        load_all([tmp_path], "fake-1")
    file.unlink()
    with pytest.raises(CalibrationError, match=r"general\.attention\.safetensors: cannot be read"):
        load_all([tmp_path], "fake-1")
    assert load_all([tmp_path], "another model") == {}
    with pytest.raises(CalibrationError, match="trained with the encoder 'm2'"):
        open_attention(write(tmp_path, "m2"), "fake-1")


def test_an_attention_that_is_not_opened_is_no_silent_zero(pipeline: CodingPipeline, tmp_path: Path) -> None:
    bound(tmp_path)
    with pytest.raises(ValueError, match="general is not opened"):
        pipeline.with_calibrations({"general": load(tmp_path / "general.calibration.json.gz")})


def test_it_is_held_for_other_code_sets_and_narrow_indexes(tmp_path: Path) -> None:
    own = bound(tmp_path)
    assert fitting({"general": own}, "icd-10-cm", SMALL.width)["general"] is own
    rows = np.random.default_rng(0).normal(size=(5, len(FEATURES))).astype(np.float32)
    held = rows.copy()
    held[:, FEATURES.index("attention")] = -2.0
    narrow = fitting({"general": own}, "icd-10-cm", SMALL.width - 1)["general"]
    carried = fitting({"general": own}, "icd-9-cm")["general"]
    for one in (narrow, carried):
        assert one.planted is None and one.attention == ""
        np.testing.assert_allclose(one.logits(rows), own.logits(held), atol=1e-9)
    assert narrow.version.endswith("without attention") and carried.version == f"{own.version} carried over"


def coded_notes() -> list[CodedNote]:
    wordings = [(code, wording) for code, (title, others) in DISEASES.items() for wording in (title, *others)]
    texts = [(a, b) for a, b in zip(wordings, wordings[3:], strict=False) if a[0] != b[0]]
    return [
        CodedNote(f"n{i}", Note((Document(f"{a[1]}. Also {b[1]}."),)), frozenset({a[0], b[0]}))
        for i, (a, b) in enumerate(texts)
    ]


def test_the_feature_is_learned_only_where_an_attention_is_given(pipeline: CodingPipeline, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    given = open_attention(write(tmp_path), "fake-1")
    recipe = Recipe("mine", with_frequency=False, kind="linear", depth=10)
    notes = coded_notes()
    args = (pipeline, notes, notes, {"": 0.0}, recipe, lambda *_: None)
    without, with_it = learn(*args), learn(*args, attention=given)
    assert "attention" not in without.features and without.attention == "" and NEUTRAL not in without.learned
    assert with_it.features == (*without.features, "attention") and with_it.attention == given[1]
    assert with_it.learned[NEUTRAL] != 0
    coding = pipeline.with_calibrations({"mine": with_it}).code([NOTE], [replace(ANY, calibration="mine")])[0]
    assert coding.codes or coding.candidates
    left_out = learn(*args[:4], replace(recipe, left_out=("attention",)), args[5], attention=given)
    assert left_out.attention == "" and left_out.features == without.features


def test_the_command_writes_the_attention_beside_the_calibration(
    pipeline: CodingPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")

    class Corpus:
        def notes(self, _: str) -> list[CodedNote]:
            return coded_notes()

    monkeypatch.setattr(calibrate, "open_corpus", lambda *_: Corpus())
    monkeypatch.setattr(calibrate, "_prior", lambda *_: {"": 0.0})
    monkeypatch.setattr("app.pipeline.assemble.open_coder", lambda *_, **__: pipeline)
    parser = argparse.ArgumentParser()
    calibrate.add_parser(parser.add_subparsers())
    flags = ["--corpus", "codiesp", "--path", str(tmp_path), "--name", "mine", "--out", str(tmp_path / "out")]
    trained = write(tmp_path)
    args = parser.parse_args(["calibrate", *flags, "--kind", "linear", "--depth", "10", "--attention", str(trained)])
    assert calibrate.run(args) == 0
    said = json.loads(capsys.readouterr().out)
    assert attention_file(tmp_path / "out", "mine").read_bytes() == trained.read_bytes()
    mine = load_all([tmp_path / "out"], "fake-1")["mine"]
    assert mine.planted is not None and mine.version == said["version"]
