"""The further parts of a benchmark over small things, and the arithmetic of the sizing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.evaluation.benching import encoders, forms, hnsw
from app.evaluation.benching.encoders import clauses, least_cosine, measure_encoders
from app.evaluation.benching.forms import check_room, first_stage, free_bytes, measure_forms, unit_vectors
from app.evaluation.benching.hnsw import measure_hnsw, recall, sample
from app.evaluation.benching.length import joined, measure_lengths
from app.evaluation.benching.plots import curves, draw
from app.evaluation.benching.sizing import read_figures, sizing
from app.evaluation.benching.turns import medians
from app.evaluation.errors import EvaluationError
from app.pipeline.note import Document, Note
from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.index import CodeIndex
from index_builder.loader import load
from model.encoder import embed
from model.errors import BackendError
from model.nested import Floats
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

NOTE = Note((Document("Hay fever and low iron.\nMigraine with aura, hay fever."),))


def quiet(*_: object) -> None:
    return None


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeIndex]:
    artifacts = tmp_path_factory.mktemp("artifacts")
    build(FakeCodeSet(), FakeEncoder(), artifacts, builder_version="test")
    opened = load(artifacts, "fake", FakeEncoder())
    yield opened
    opened.close()


def test_each_call_takes_every_place_and_one_round_is_not_timed() -> None:
    order: list[str] = []
    taken = medians({name: lambda name=name: order.append(name) for name in "ab"}, 2)  # type: ignore[misc]
    assert "".join(order) == "ab" + "ab" + "ba"
    assert taken.keys() == {"a", "b"}
    assert all(time >= 0 for time in taken.values())


@pytest.mark.parametrize("length", [1, 4, 5, 6, 7, 30])
def test_joined_notes_have_the_length_that_was_asked_for(length: int) -> None:
    assert joined("abcd", length) == "abcd\n\nabcd\n\nabcd\n\nabcd\n\nabcd\n\nabcd"[:length]


def test_cost_against_length_has_a_row_for_each(index: CodeIndex) -> None:
    rows = measure_lengths(CodingPipeline(FakeEncoder(), index), ["Hay fever.", "Low iron."], (10, 210), 1, quiet)
    assert [row["characters"] for row in rows] == [10, 210]
    assert rows[1]["repeated"] == pytest.approx(10)
    assert all(row["ms_per_1000_characters"] == pytest.approx(row["ms"] * 1000 / row["characters"]) for row in rows)


def test_the_first_stage_finds_the_forms_that_are_nearest() -> None:
    vectors = unit_vectors(9000, np.random.default_rng(1))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert first_stage(vectors[[4100, 8999]], vectors, 2).tolist() in ([4100, 8999], [8999, 4100])


def test_cost_against_forms_has_a_row_for_each() -> None:
    rows = measure_forms((10, 5000), 1, quiet)
    assert [row["forms"] for row in rows] == [10, 5000]
    assert rows[1]["ns_per_form_and_span"] == pytest.approx(rows[1]["ms"] * 1e6 / 5000 / rows[1]["spans"])


def test_forms_that_do_not_fit_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(5_000_000, None)
    check_room(1000, 2 * 1000 * 64 * 4)
    monkeypatch.setattr(forms, "free_bytes", lambda: 1_000_000_000)
    with pytest.raises(EvaluationError, match=r"--forms 5000000: .* 1\.28 GB, more than 50% of the 1\.00 GB"):
        measure_forms((10, 5_000_000), 1, quiet)


def test_free_memory_is_read_or_unknown(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   2048 kB\n")
    assert free_bytes(tmp_path / "meminfo") == 2048 * 1024
    assert free_bytes(tmp_path / "nowhere") is None


def test_hnsw_is_compared_with_exact_search(index: CodeIndex) -> None:
    found = measure_hnsw(index, FakeEncoder(), [NOTE, Note((Document("--"),))], 0, 1, quiet)
    assert found["forms"] == index.catalog.form_count
    assert found["searches"][hnsw.EXACT]["recall20"] == 1
    assert found["searches"][hnsw.EXACT]["exact_takes_times"] == pytest.approx(1)
    assert found["searches"]["HNSW, efSearch 512"]["recall20"] == 1  # the beam is wider than the index
    assert 0 < found["searches"][hnsw.COARSE]["recall20"] < 1
    assert found["build_seconds"] > 0
    assert measure_hnsw(index, FakeEncoder(), [NOTE], 7, 1, quiet)["forms"] == 7
    with pytest.raises(EvaluationError, match="no note"):
        measure_hnsw(index, FakeEncoder(), [Note((Document("--"),))], 0, 1, quiet)


def test_a_sample_spreads_over_all_forms() -> None:
    assert sample(5, 0).tolist() == sample(5, 9).tolist() == [0, 1, 2, 3, 4]
    assert sample(101, 3).tolist() == [0, 50, 100]


def test_recall_counts_each_span_alike() -> None:
    assert recall(np.array([[1, 2], [9, -1]]), np.array([[2, 1], [9, 8]])) == pytest.approx(0.75)


def test_encoders_read_the_same_clauses(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(_: Path, threads: int, dtype: str = "auto") -> encoders.Vectors:
        def run(texts: Sequence[str]) -> Floats:
            return -embed(FakeEncoder(), texts)

        assert threads == 3
        return run

    def missing(*_: object) -> encoders.Vectors:
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")

    def ours(_: Path, threads: int, backend: str) -> encoders.Vectors:
        if backend == "onnx-int8":
            raise BackendError("this CPU cannot")
        return turned(_, threads)

    monkeypatch.setattr(encoders, "_ours", ours)
    monkeypatch.setattr(encoders, "_sentence_transformers", turned)
    monkeypatch.setattr(encoders, "_transformers", missing)
    found = measure_encoders(FakeEncoder(), None, [NOTE], 3, 1)
    texts, tokens = clauses(FakeEncoder(), [NOTE, NOTE])
    assert (found["texts"], found["tokens"]) == (len(set(texts)), tokens)
    wide, narrow = (f"{encoders.OURS}, {name}" for name in ("onnx", "onnx-int8"))
    assert found["encoders"].keys() == {encoders.OURS, wide, encoders.SENTENCE, encoders.SENTENCE_FULL}
    assert found["encoders"][encoders.OURS]["ours_is_times"] == pytest.approx(1)
    assert found["encoders"][encoders.SENTENCE]["least_cosine"] == pytest.approx(-1)
    assert found["skipped"] == {narrow: "this CPU cannot", encoders.PLAIN: "transformers is not installed"}
    with pytest.raises(EvaluationError, match="no note"):
        measure_encoders(FakeEncoder(), None, [Note((Document("--"),))], 3, 1)


def test_vectors_of_another_width_have_no_cosine() -> None:
    assert least_cosine(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32)) is None


FIGURES = {
    "machine": {"cores": 4},
    "pipeline": {"notes_per_second": 10.0},
    "length": [{"characters": 1000, "ms": 50.0, "ms_per_1000_characters": 50.0}],
}


def test_a_days_notes_are_charged_all_cores() -> None:
    usual, short = sizing(FIGURES, 8_640_000)  # 100 a second
    assert usual["core_seconds"] == pytest.approx(0.4)
    assert usual["cores"] == pytest.approx(40)
    assert usual["cores_with_room"] == pytest.approx(40 / 0.7)
    assert short["note"] == "1,000 characters"
    assert short["cores"] == pytest.approx(20)


@pytest.mark.parametrize("content", ["{", "[]", '{"machine": {"cores": 2}}'])
def test_figures_that_say_nothing_of_notes_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "bench.json").write_text(content)
    with pytest.raises(EvaluationError, match=r"bench\.json"):
        read_figures(tmp_path / "bench.json")


def test_each_part_with_a_curve_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report = FIGURES | {
        "forms": [{"forms": 10, "ns_per_form_and_span": 3.0}],
        "hnsw": {"searches": {"exact": {"us_per_span": 2.0, "recall20": 1.0}}},
    }
    assert curves(json.loads(json.dumps(report)))["hnsw"]["points"] == [(2.0, 1.0, "exact")]
    assert draw(report, tmp_path / "plots") == ["length.png", "forms.png", "hnsw.png"]
    assert all((tmp_path / "plots" / name).read_bytes().startswith(b"\x89PNG") for name in ("length.png", "hnsw.png"))
