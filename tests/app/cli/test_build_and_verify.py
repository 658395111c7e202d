from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import build
from app.cli.main import main
from index_builder.manifest import FORMS
from index_builder.publish import current
from model.encoder import Encoder
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


class FakeIcd(FakeCodeSet):
    name = "icd-10-cm"


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> FakeEncoder:
    fake = FakeEncoder()

    def open_fake(_path: Path | None, _backend: str) -> Encoder:
        return fake

    monkeypatch.setattr("model.backends.open_encoder", open_fake)
    monkeypatch.setattr(build, "open_code_set", lambda *_: FakeIcd())
    return fake


def test_build_then_verify_says_what_was_checked(
    encoder: FakeEncoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--artifacts", str(tmp_path), "--prefixes", "64,128"]) == 0
    assert "tokens/s" in capsys.readouterr().err
    assert main(["verify", "--artifacts", str(tmp_path)]) == 0
    assert "search128.faiss" in capsys.readouterr().out


def test_verify_names_the_damaged_file(
    encoder: FakeEncoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["build", "--artifacts", str(tmp_path)])
    damaged = current(tmp_path / "icd-10-cm") / FORMS
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert main(["verify", "--artifacts", str(tmp_path)]) == 1
    assert "forms.f16: truncated to 100 of" in capsys.readouterr().err


def test_stopped_build_says_how_to_go_on(
    encoder: FakeEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(_texts: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(encoder, "encode", press)
    assert main(["build", "--artifacts", str(tmp_path)]) == build.STOPPED
    assert "the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize("prefixes", ["0", "64,800", "wide"])
def test_prefixes_out_of_range_are_refused(prefixes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["build", "--artifacts", "anywhere", "--prefixes", prefixes])
    assert "--prefixes" in capsys.readouterr().err


def test_an_index_may_keep_fewer_dimensions(
    encoder: FakeEncoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--artifacts", str(tmp_path), "--keep", "64"]) == 0
    assert main(["verify", "--artifacts", str(tmp_path)]) == 0
    assert "forms x 64" in capsys.readouterr().out
    assert main(["build", "--artifacts", str(tmp_path), "--keep", "64", "--prefixes", "64,128"]) == 2
    assert "--prefixes 128 is wider than --keep 64" in capsys.readouterr().err


def test_the_crosswalk_is_built_from_files_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "I9.txt").write_text("25000 E119    10000\n36570 NoDx    11000\n")
    flags = ["--artifacts", str(tmp_path), "--gem", f"icd-9-cm:icd-10-cm={tmp_path / 'I9.txt'}"]
    assert main(["build", *flags]) == 2
    assert "--gem needs --edition" in capsys.readouterr().err
    assert main(["build", *flags, "--edition", "2018"]) == 0
    assert "icd-9-cm -> icd-10-cm 2018: 2 codes, 2 mappings" in capsys.readouterr().err
    (tmp_path / "I9.txt").write_text("25000\n")
    assert main(["build", *flags, "--edition", "2018"]) == 1
    assert "I9.txt: line 1" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["build", "--artifacts", str(tmp_path), "--gem", "I9.txt"])


def test_an_edition_from_official_files_is_built_and_verified(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def open_fake(_path: Path | None, _backend: str) -> Encoder:
        return FakeEncoder()

    monkeypatch.setattr("model.backends.open_encoder", open_fake)
    (tmp_path / "icd9.csv").write_text("code,long_desc\n25000,Diabetes mellitus\n4019,Hypertension\n")
    flags = ["--artifacts", str(tmp_path), "--code-set", "icd-9-cm"]
    source = ["--source", str(tmp_path / "icd9.csv"), "--edition", "2014"]
    assert main(["build", *flags, *source]) == 0
    assert main(["verify", *flags, "--edition", "2014"]) == 0
    assert main(["verify", *flags, "--edition", "2013"]) == 1
    assert "no index of this edition" in capsys.readouterr().err
    assert main(["build", *flags, *source, "--lend", str(tmp_path / "none.txt")]) == 1
