from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.main import main
from app.feedback.store import SqliteStore
from tests.app.feedback.reviews import TEXT, accepted, place, rejected, review


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "feedback"
    SqliteStore(folder, 1, 10).put("someone", review(accepted("M10.9", place("gout")), rejected("J45.20")))
    return folder


def test_summary_names_codes_and_versions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback", "summary", "--feedback-folder", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[-1] == "acceptance"
    assert "M10.9\tindex-1\tgeneral 1\t1\t0\t0\t1.000" in lines
    assert "J45.20\tindex-1\tgeneral 1\t0\t1\t0\t0.000" in lines


def test_export_writes_the_notes_that_are_there(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "visit").write_bytes(TEXT.encode())
    out = tmp_path / "pairs" / "reviewed.txt"
    arguments = ["--feedback-folder", str(folder), "--notes", str(tmp_path), "--out", str(out)]
    assert main(["feedback", "export", *arguments]) == 0
    assert "1 notes with 1 codes" in capsys.readouterr().out
    assert "[[gout|M10.9]]" in out.read_text(encoding="utf-8")


def test_export_without_notes_fails_and_says_why(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "out.txt"
    arguments = ["--feedback-folder", str(folder), "--notes", str(empty), "--out", str(out)]
    assert main(["feedback", "export", *arguments]) == 1
    assert "no such note" in capsys.readouterr().err
    assert not out.exists()
