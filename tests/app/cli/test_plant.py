"""The command line of `icd-cascade plant`."""

from __future__ import annotations

import argparse

import pytest

from app.cli import plant
from app.cli.main import main
from app.cli.plant import _every, _fold, _left, _shares, _without
from app.evaluation.corpora import CodedNote
from app.evaluation.errors import EvaluationError
from app.pipeline.note import Note
from model.attention.config import AttentionConfig

NEEDED = ["plant", "--path", "nowhere", "--cache", "nowhere"]


def test_it_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(NEEDED) == 2
    assert "--out FILE trains" in capsys.readouterr().err
    assert main([*NEEDED, "--out", "a.safetensors", "--unfreeze-encoder", "2"]) == 2
    assert "go together" in capsys.readouterr().err


def test_a_corpus_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NEEDED, "--out", "a.safetensors"]) == 1
    assert capsys.readouterr().err.startswith("plant: ")


def test_folds_and_shares_are_read() -> None:
    assert _fold("2/5") == (2, 5)
    assert _shares("0.1,1") == (0.1, 1.0)
    for wrong in ("5/5", "0/1", "a/b", "3"):
        with pytest.raises(argparse.ArgumentTypeError):
            _fold(wrong)
    with pytest.raises(argparse.ArgumentTypeError, match="outside"):
        _shares("0,1")


def test_every_nth_note_is_left_to_the_last_stage() -> None:
    notes = [CodedNote(str(number), Note(()), frozenset()) for number in range(1, 8)]
    assert [note.id for note in _left(notes, 3)] == ["1", "2", "4", "5", "7"]
    assert {note.id for note in _left(notes, 3)}.isdisjoint(note.id for note in notes[2::3])
    assert _left(notes, None) == notes
    assert _every("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match="from 2 on"):
        _every("1")


def test_parts_of_the_attention_are_left_out_by_name() -> None:
    pytest.importorskip("torch")
    from app.evaluation.plant_evidence import PARTS
    from model.training.planting.trainer import PlantOptions

    config, options = _without(["static", "static", "inattention", "boost", "bias"], AttentionConfig(), PlantOptions())
    assert config.attentions == ("learned", "differentiable") and config.differentiable_k is None
    assert not options.boost and options.bias_from is None
    assert _without([], config, options) == (config, options)
    with pytest.raises(EvaluationError, match="no attention is left"):
        _without(["learned", "static", "differentiable"], AttentionConfig(), PlantOptions())
    parser = argparse.ArgumentParser()
    plant.add_parser(parser.add_subparsers())
    for part in PARTS:
        assert parser.parse_args([*NEEDED, "--without", part]).without == [part]
