from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from index_builder.build import build
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(FakeCodeSet(), FakeEncoder(), tmp_path / "artifacts", builder_version="test")
    monkeypatch.setattr("model.backends.open_encoder", lambda *_, **__: FakeEncoder())
    return tmp_path / "artifacts"


def bench(artifacts: Path, *flags: str) -> int:
    return main(["bench", "--artifacts", str(artifacts), "--code-set", "fake", "--repeats", "1", *flags])


def test_a_folder_of_notes_is_measured_and_written(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = tmp_path / "notes", tmp_path / "bench.json"
    folder.mkdir()
    for name in ("one.txt", "two.txt", "three.txt"):
        (folder / name).write_text("Hay fever and a broken knee.")
    assert bench(artifacts, "--notes", str(folder), "--limit", "2", "--output", str(output)) == 0
    assert "on this machine" in capsys.readouterr().out.lower()
    found = json.loads(output.read_text())
    assert found["notes"]["measured"] == 2
    assert found["parameters"]["source"] == "notes of a folder"
    assert found["machine"]["cores"] >= 1
    assert str(folder) not in output.read_text()
    assert "Hay fever" not in output.read_text()


def test_a_folder_that_cannot_be_read_is_named(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(artifacts, "--notes", str(tmp_path)) == 1
    assert "holds no *.txt" in capsys.readouterr().err
    (tmp_path / "latin.txt").write_bytes(b"fi\xe8vre")
    assert bench(artifacts, "--notes", str(tmp_path)) == 1
    assert "latin.txt is not valid UTF-8" in capsys.readouterr().err


def test_an_index_that_keeps_fewer_dimensions_is_measured(artifacts: Path, tmp_path: Path) -> None:
    build(FakeCodeSet(), FakeEncoder(), artifacts, builder_version="test", keep=64)
    (tmp_path / "one.txt").write_text("Hay fever and a broken knee.")
    output = tmp_path / "bench.json"
    assert bench(artifacts, "--notes", str(tmp_path), "--output", str(output)) == 0
    assert json.loads(output.read_text())["notes"]["measured"] == 1


def test_parts_are_chosen_and_a_day_is_sized_from_them(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "bench.json"
    flags = ("--parts", "hnsw,length,forms", "--lengths", "100,900", "--forms", "10,50", "--output", str(output))
    assert bench(artifacts, *flags) == 0
    printed = capsys.readouterr().out
    assert "Cost against the length of a note" in printed
    assert "Stages of the pipeline" not in printed
    found = json.loads(output.read_text())
    assert {"hnsw", "length", "forms"} < found.keys()
    assert not {"notes", "pipeline", "encoders"} & found.keys()
    assert main(["bench", "--sizing", "10000000", "--from", str(output)]) == 0
    assert "10,000,000 notes a day" in capsys.readouterr().out


def test_wrong_parts_and_a_sizing_without_figures_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for flags, told in ((("--parts", "speed"), "no part 'speed'"), (("--forms", "1e6"), "not numbers with commas")):
        with pytest.raises(SystemExit):
            main(["bench", *flags])
        assert told in capsys.readouterr().err
    assert main(["bench", "--sizing", "5"]) == 1
    assert "--sizing needs --from" in capsys.readouterr().err
