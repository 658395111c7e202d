"""icd-cascade train from end to end: a random encoder, three steps, export, index, a coded note."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from app.cli import train as command
from app.pipeline.assemble import coder_of
from app.pipeline.note import CodingOptions, Document, Note
from app.training import course
from app.training.keeping import read_clauses, read_mistakes
from app.training.terms import training_terms
from index_builder.build import build
from model.backends import open_encoder
from model.checkpoint import Checkpoint
from tests.app.fakes import FewCodes
from tests.index_builder.fakes import FakeCodeSet
from tests.model.tiny import tiny_network, write_tiny_modernbert, write_tiny_source

NOTE = "History of asthma, no fever. Acute gout of the left foot 😀, and cough " + "and pain in the chest " * 20 + "."


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _run(monkeypatch: pytest.MonkeyPatch, *words: str, code_set: FewCodes | FakeCodeSet | None = None) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    terms = training_terms(code_set or FewCodes(), 0.0, 0)
    monkeypatch.setattr(command, "read_code_set", lambda args: (terms, {"J45.20": ("M10.9",)}))
    args = parser.parse_args(["train", *words])
    return int(args.run_command(args))


def test_a_768_wide_modernbert_is_trained_exported_and_codes_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_modernbert(tmp_path / "start", width=768)
    words = ["--start", str(tmp_path / "start"), "--run", str(tmp_path / "run"), "--encoding-unit", "window"]
    steps = ["--steps", "3", "--batch", "12", "--chunk", "3", "--weighting", "uncertainty", "--probe-every", "2"]
    assert _run(monkeypatch, *words, *steps) == 0
    checkpoint = Checkpoint.open(tmp_path / "run" / "checkpoint")
    assert (checkpoint.layers, checkpoint.max_tokens) == ((-1,), 96)
    training = checkpoint.card["training"]
    assert (training["weighting"], training["projection"], training["chunk"]) == ("uncertainty", "identity", 3)
    assert not any(str(tmp_path) in str(value) for value in training.values())
    away = float(torch.from_numpy(checkpoint.projection()).sub(torch.eye(768)).abs().max())
    assert 0 < away < 0.1  # it began as the identity and has learned
    assert json.loads((tmp_path / "run" / "dev.jsonl").read_text())["recall@20"].keys() == {"64", "128", "256", "768"}
    assert (tmp_path / "run" / "loss.png").exists() and (tmp_path / "run" / "dev.png").exists()
    encoder = open_encoder(checkpoint.path, "onnx", threads=1)
    build(FewCodes(), encoder, tmp_path / "artifacts", builder_version="test")
    for backend in ("onnx", "torch"):
        coder = coder_of(open_encoder(checkpoint.path, backend, threads=1), tmp_path / "artifacts", "icd-10-cm")
        options = CodingOptions(top_k=5, assertion="annotate", billable_only=False)
        coding = coder.code([Note((Document(NOTE),))], [options])[0]
        found = (*coding.codes, *coding.candidates, *coding.suppressed)
        assert found
        for item in found:
            assert item.evidence
            for evidence in item.evidence:
                assert NOTE[evidence.start : evidence.end] == evidence.text != ""


def test_a_resumed_command_ends_with_the_checkpoint_of_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codiesp: Path
) -> None:
    """Killed while it mined at step 2: the clauses of the mark, its sampler and all weights are the same."""
    write_tiny_source(tmp_path / "start", tiny_network())
    options = ["--steps", "4", "--batch", "4", "--mine-at", "2", "--mine-floor", "-1", "--codiesp", str(codiesp)]
    versions = []
    for name in ("whole", "half"):
        words = ["--start", str(tmp_path / "start"), "--run", str(tmp_path / name), *options, "--clause-share", "0.5"]
        if name == "half":

            def killed(*_: object, **__: object) -> None:
                raise KeyboardInterrupt

            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(course, "mine_clauses", killed)
                _run(monkeypatch, *words, code_set=FakeCodeSet())
            assert not (tmp_path / name / "checkpoint").exists()
        assert _run(monkeypatch, *words, code_set=FakeCodeSet()) == 0
        assert {c.code for c in read_clauses(tmp_path / name / "clauses-2.jsonl")} == {"G43", "D50"}
        versions.append(Checkpoint.open(tmp_path / name / "checkpoint").version)
    assert versions[0] == versions[1]


def test_mistakes_are_mined_once_and_a_resumed_run_trains_with_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after it had mined at step 2: the mistakes are read again, all weights are the same."""
    write_tiny_source(tmp_path / "start", tiny_network())
    options = ["--steps", "4", "--batch", "8", "--mistakes-at", "2", "--near-share", "0.4", "--mistake-share", "0.6"]
    versions = []
    for name in ("whole", "half"):
        words = ["--start", str(tmp_path / "start"), "--run", str(tmp_path / name), *options]
        if name == "half":

            def killed(*_: object) -> None:
                raise KeyboardInterrupt

            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(course, "read_mistakes", killed)
                _run(monkeypatch, *words, code_set=FakeCodeSet())
            assert (tmp_path / name / "mistaken-2.jsonl").exists()
        assert _run(monkeypatch, *words, code_set=FakeCodeSet()) == 0
        mistaken = read_mistakes(tmp_path / name / "mistaken-2.jsonl")
        known = {code.code for code in FakeCodeSet().codes()}
        assert mistaken and all(code not in dict(wrong) for (code, _), wrong in mistaken.items())
        assert {code for wrong in mistaken.values() for code, _ in wrong} <= known
        versions.append(Checkpoint.open(tmp_path / name / "checkpoint").version)
    assert versions[0] == versions[1]


def test_options_that_do_not_fit_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_source(tmp_path / "start", tiny_network())
    words = ["--start", str(tmp_path / "start"), "--run", str(tmp_path / "run")]
    assert _run(monkeypatch, *words, "--layers", "9") == 2
    assert "layers (9,)" in capsys.readouterr().err
    assert _run(monkeypatch, *words, "--weighting", "fixed", "--prefix-weights", "1,2") == 2
    assert "needs 4 weights" in capsys.readouterr().err
    assert _run(monkeypatch, *words, "--precision", "fp32", "--attention", "eager", "--layers", "0,7") == 2
    assert "layers (0, 7)" in capsys.readouterr().err


def test_flash_attention_needs_half_precision(tmp_path: Path) -> None:
    write_tiny_source(tmp_path, tiny_network())
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    words = ["train", "--start", str(tmp_path), "--run", "r", "--attention", "flash_attention_2"]
    args = parser.parse_args([*words, "--precision", "fp32"])
    with pytest.raises(ValueError, match="needs --precision bf16"):
        command.resolve(args, tiny_network())


def test_with_an_index_nothing_is_mined_after_the_start_unless_asked_for(tmp_path: Path) -> None:
    from model.training.network import NestedEncoder

    write_tiny_source(tmp_path, tiny_network())
    network = NestedEncoder.open(tmp_path)
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    found = []
    for more in (
        ["--artifacts", "a", "--codiesp", "c"],
        ["--codiesp", "c"],
        [],
        ["--artifacts", "a", "--mine-at", "9"],
    ):
        args = parser.parse_args(["train", "--start", str(tmp_path), "--run", "r", *more])
        command.resolve(args, network)
        found.append(command.sources(args).marks)
        assert (args.layers, args.window, args.max_tokens, args.projection) == ("1,-1", 64, 62, "axes")
    assert found == [(), (500, 900), (), (9,)]


def test_the_model_so_far_mines_its_own_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codiesp: Path
) -> None:
    """A checkpoint with its index is trained on; at step 2 the forms are encoded anew and the mistakes kept."""
    from model.export import export

    write_tiny_source(tmp_path / "source", tiny_network())
    card = {"name": "t", "max_tokens": 32, "encoding_unit": "clause", "special_tokens": {"first": 2, "last": 3}}
    export(tiny_network(), tmp_path / "source", tmp_path / "start", {**card, "training": {}})
    encoder = open_encoder(tmp_path / "start", "onnx", threads=1)
    build(FakeCodeSet(), encoder, tmp_path / "artifacts", builder_version="test")
    monkeypatch.setattr(
        course, "open_coder", lambda artifacts, name, start, backend: coder_of(encoder, artifacts, "fake")
    )
    words = ["--start", str(tmp_path / "start"), "--run", str(tmp_path / "run"), "--codiesp", str(codiesp)]
    more = ["--artifacts", str(tmp_path / "artifacts"), "--mine-at", "2", "--steps", "3", "--learning-rate", "0.05"]
    assert _run(monkeypatch, *words, *more, "--batch", "6", code_set=FakeCodeSet()) == 0
    first, mark = (read_clauses(tmp_path / "run" / name) for name in ("clauses.jsonl", "clauses-2.jsonl"))
    assert {(c.code, c.text) for c in first} == {(c.code, c.text) for c in mark}
    assert all(c.negatives for c in mark)
    assert [c.negatives for c in first] != [c.negatives for c in mark]  # another model makes other mistakes
    assert not list((tmp_path / "run").glob("forms-*"))
