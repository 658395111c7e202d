from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from index_builder.build import build
from tests.app.evaluation.mrl.conftest import Wordy
from tests.index_builder.fakes import FakeEncoder


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(Wordy(), FakeEncoder(), tmp_path / "artifacts", builder_version="test")
    monkeypatch.setattr("model.backends.open_encoder", lambda *_: FakeEncoder())
    return tmp_path / "artifacts"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    texts = tmp_path / "codiesp" / "dev" / "text_files_en"
    texts.mkdir(parents=True)
    (texts / "n1.txt").write_text("Seen for chapterJ categoryJ12 codeJ121 today.")
    (texts.parent / "devD.tsv").write_text("n1\tj12.1\n")
    return tmp_path / "codiesp"


def mrl(artifacts: Path, *flags: str) -> int:
    return main(["mrl", "--artifacts", str(artifacts), "--code-set", "wordy", "--threads", "1", *flags])


def test_the_report_is_printed_and_written(
    artifacts: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, small = tmp_path / "mrl.json", ("--steps", "1", "--epochs", "1", "--seeds", "0", "--queries", "10")
    places = ("--cache", str(tmp_path / "cache"), "--out", str(out), "--corpus", "codiesp", "--path", str(corpus))
    assert mrl(artifacts, "--forms", "0", *small, *places) == 0
    text = capsys.readouterr().out
    assert text.startswith("# Nested vectors") and "Operating points" in text
    assert out.with_suffix(".md").read_text().strip() == text.strip()
    found = json.loads(out.read_text())
    assert set(found) == {"parameters", "versions", "study", "operating_points"}
    assert str(tmp_path) not in out.read_text()


def test_operating_points_alone(
    artifacts: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mrl(artifacts, "--operating-points", "--path", str(corpus), "--cache", str(tmp_path / "cache")) == 0
    text = capsys.readouterr().out
    assert "Operating points: codiesp/dev" in text and "1-NN" not in text


def test_a_missing_corpus_is_told(artifacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mrl(artifacts, "--operating-points") == 1
    assert "need --path" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [("--separate", "64"), ("--seeds", "x"), ("--forms", "-1"), ("--steps", "0")])
def test_wrong_flags_are_refused(artifacts: Path, flags: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        mrl(artifacts, *flags)


def test_some_parts_alone(artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, small = tmp_path / "mrl.json", ("--steps", "1", "--epochs", "1", "--seeds", "0", "--queries", "10")
    places = ("--cache", str(tmp_path / "cache"), "--out", str(out))
    assert mrl(artifacts, "--forms", "0", *small, *places, "--parts", "questions,weightings") == 0
    text = capsys.readouterr().out
    assert "## Weightings" in text and "## Two questions" in text
    assert "linear heads" not in text and "## Retrieval" not in text and "## Adaptive" not in text
    assert set(json.loads(out.read_text())["study"]) == {"parameters", "sample", "questions", "weightings"}
    with pytest.raises(SystemExit):
        mrl(artifacts, "--parts", "weights")
    assert "weights is none of" in capsys.readouterr().err
