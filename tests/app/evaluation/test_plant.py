"""The cache of encoded notes, the evidence for planting and its report, over made-up notes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from app.evaluation import plant_report
from app.evaluation.corpora import CodedNote
from app.evaluation.plant_cache import NoteCache
from app.evaluation.plant_evidence import Bench, Plan, gather, variant, without
from app.pipeline.note import Document, Note
from index_builder.build import build
from index_builder.loader import load
from model.attention.config import AttentionConfig
from model.nested import prefix
from model.training.planting.ranker import RankerOptions
from model.training.planting.trainer import PlantOptions
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder
from tests.model.training_planting.notes import CONFIG, made_notes, made_pool

torch.set_num_threads(1)
TEXT = "Migraine with aura, and gout. Fracture of knee."
OPTIONS = PlantOptions(epochs=1, ranker=RankerOptions(epochs=1, others=4, k=3))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> NoteCache:
    folder, encoder = tmp_path_factory.mktemp("plant"), FakeEncoder()
    build(FakeCodeSet(), encoder, folder / "artifacts", builder_version="test")
    return NoteCache(folder / "cache", encoder, load(folder / "artifacts", "fake", encoder), 128)


def quiet(_: str, __: int, ___: int) -> None:
    return None


def test_a_note_is_encoded_once_with_candidates_and_every_gold_code(cache: NoteCache) -> None:
    coded = CodedNote("one", Note((Document(TEXT),)), frozenset({"G43", "S02.2XXD", "X99"}))
    first = cache.notes("train", [coded], quiet)[0]
    assert first.codes[0] in {"G43", "S02", "S02.2XX", "S02.2XXA"}  # literally named, all four
    assert {"G43", "S02.2XXD"} <= set(first.codes)
    assert "X99" not in first.codes and "X99" in first.gold
    assert len(set(first.codes)) == len(first.codes) == len(first.vectors)
    assert first.candidates == len(first.scores)
    assert (np.diff(first.scores) <= 0).all()
    assert len(first.words) == len(first.tokens) and {"migraine", "gout", "fracture"} <= set(first.words)
    np.testing.assert_allclose(np.linalg.norm(first.tokens.astype(np.float32), axis=1), 1, atol=1e-2)
    calls = len(cache._encoder.calls)  # type: ignore[attr-defined]
    assert cache.notes("train", [coded], quiet)[0].codes == first.codes
    assert len(cache._encoder.calls) == calls  # type: ignore[attr-defined]


def test_the_clauses_of_a_note_have_its_tokens(cache: NoteCache) -> None:
    note = Note((Document(TEXT),))
    states = cache._encoder.encode(cache.clauses(note))
    cached = cache.notes("train", [CodedNote("two", note, frozenset())], quiet)[0]
    tokens = prefix(cache._encoder.project(states.states), 128)
    np.testing.assert_allclose(tokens, cached.tokens.astype(np.float32), atol=1e-3)


def test_labels_are_titles_and_unknown_codes_are_left_out(cache: NoteCache) -> None:
    labels = cache.labels(["G43", "X99"])
    assert labels.codes == ("G43",)
    assert labels.vectors.shape == (1, 128)
    assert len(cache.pool().codes) == len(set(cache.pool().codes)) > 20


def test_ranking_counts_missed_gold() -> None:
    dev = made_notes(10)
    found = Bench(dev, {}).measure(lambda note: np.array([c in note.gold for c in note.codes[: note.candidates]]) * 1.0)  # type: ignore[arg-type, return-value]
    missed = [len(note.gold) - sum(c in note.gold for c in note.codes[: note.candidates]) for note in dev]
    assert any(missed)
    assert found.figures["MAP"] == pytest.approx(np.mean([(2 - lost) / 2 for lost in missed]))


def test_systems_differ_in_what_they_say() -> None:
    config = AttentionConfig()
    assert variant("laat", config, OPTIONS)[0].attentions == ("learned",)
    assert not variant("unplanted", config, OPTIONS)[1].planted
    assert without("static", config, OPTIONS)[0].attentions == ("learned", "differentiable")
    assert without("inattention", config, OPTIONS)[0].differentiable_k is None
    assert not without("boost", config, OPTIONS)[1].boost
    assert without("bias", config, OPTIONS)[1].bias_from is None
    with pytest.raises(ValueError, match="no part"):
        without("luck", config, OPTIONS)


def test_the_evidence_is_measured_and_told(tmp_path: Path) -> None:
    plan = Plan(seeds=(0, 1), shares=(0.5, 1.0), ablation=True)
    found = gather(made_notes(10), made_notes(6, seed=1), made_pool(), CONFIG, OPTIONS, plan, quiet)
    found["corpus"] = {"name": "made-up", "train": "train", "dev": "dev", "limit": None}
    assert {(row["system"], row["share"]) for row in found["curves"]} == {
        (name, share) for name in ("planted", "unplanted", "laat", "fused") for share in (0.5, 1.0)
    }
    assert [len(row["losses"]) for row in found["curves"] if row["system"] == "laat"] == [2, 2]
    assert {row["without"] for row in found["ablation"]} == {
        "learned", "static", "differentiable", "inattention", "boost", "bias",
    }  # fmt: skip
    plant_report.write(found, tmp_path / "plant.json")
    assert json.loads((tmp_path / "plant.json").read_text())["notes"]["train"] == 10
    told = (tmp_path / "plant.md").read_text()
    assert "| linking | none |" in told and "without static" in told


def test_the_verdict_says_when_planting_loses() -> None:
    compared = (("linking", "R@20, codes seen 0", -0.1, 0.01), ("laat", "MAP", 0.1, 0.01), ("laat", "R@20", 0.1, 0.2))
    names = ("other", "metric", "difference", "p_value")
    tests = [{"share": 1.0, "one": "planted", **dict(zip(names, row, strict=True))} for row in compared]
    lost, won, even = plant_report.verdict({"tests": tests})
    assert "planted LOSES TO linking" in lost
    assert "planted beats laat" in won
    assert "no difference is shown" in even
