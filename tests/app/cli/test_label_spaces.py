"""`build` and `evaluate` over a corpus that brings its own label space."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from index_builder.catalog import Catalog
from index_builder.manifest import CATALOG
from index_builder.publish import current
from model.encoder import Encoder
from tests.index_builder.fakes import FakeEncoder

NAMES = ["air_transport", "fisheries", "maritime_vehicle"]


@pytest.fixture(autouse=True)
def _encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_fake(_path: Path | None, _backend: str) -> Encoder:
        return FakeEncoder()

    monkeypatch.setattr("model.backends.open_encoder", open_fake)
    monkeypatch.setattr("app.pipeline.assemble.open_encoder", open_fake)


@pytest.fixture
def eurlex(tmp_path: Path) -> Path:
    folder = tmp_path / "EURLex-4K"
    folder.mkdir()
    (folder / "label_map.txt").write_text("\n".join(NAMES) + "\n")
    for split, text, labels in (("train", "Ships", "maritime_vehicle"), ("test", "Rules of fisheries", "fisheries")):
        (folder / f"{split}_raw_texts.txt").write_text(text + "\n")
        (folder / f"{split}_labels.txt").write_text(labels + "\n")
    return folder


def test_one_command_builds_the_label_space_and_one_measures(
    tmp_path: Path, eurlex: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifacts, report = str(tmp_path / "artifacts"), tmp_path / "report.json"
    corpus = ["--corpus", "eurlex-4k", "--path", str(eurlex), "--artifacts", artifacts]
    assert main(["build", *corpus]) == 0
    measured = ["evaluate", *corpus, "--code-set", "eurlex-4k", "--split", "test", "--train-split", "train"]
    assert main([*measured, "--exact-notes", "0", "--output", str(report)]) == 0
    found = json.loads(report.read_text())
    assert found["corpus"]["unreachable"] == 0
    assert found["corpus"]["edition_codes"] == 3
    assert found["ranking"]["MAP"] == 1.0  # the wording stands in the text


def test_a_label_file_becomes_a_code_set_under_a_name(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("401.9\tHypertension\n39.61\tExtracorporeal circulation\n")
    flags = ["--labels", str(tmp_path / "labels.tsv"), "--artifacts", str(tmp_path)]
    assert main(["build", *flags, "--code-set", "icd-9"]) == 0
    catalog = Catalog.open(current(tmp_path / "icd-9") / CATALOG)
    assert catalog.code_names == ("39.61", "401.9")
    catalog.close()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--code-set", "icd-11"], "icd-11: unknown"),
        (["--labels", "labels.tsv"], "needs --code-set"),
        (["--labels", "labels.tsv", "--code-set", "icd-10-cm"], "a name of its own"),
        (["--labels", "labels.tsv", "--code-set", "mine"], "labels.tsv: missing"),
        (["--corpus", "eurlex-4k"], "needs --path"),
        (["--corpus", "eurlex-4k", "--path", "."], "neither label_map.txt nor output-items.txt"),
        (["--corpus", "codiesp", "--path", "."], "a code set of the product"),
    ],
)
def test_what_cannot_be_built_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["build", "--artifacts", "artifacts", *flags]) == 1
    assert message in capsys.readouterr().err


def test_a_name_that_is_no_folder_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["build", "--artifacts", "anywhere", "--code-set", "../mine", "--labels", "labels.tsv"])
    assert "--code-set" in capsys.readouterr().err
