"""icd-cascade soak --start: a service of its own, that is stopped again."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app.cli.main import main
from app.errors import NotLoaded
from app.evaluation.corpora import CodedNote
from app.pipeline.note import Document, Note
from app.soak.service import own_service
from tests.app.live import deploy


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    settings = deploy(tmp_path_factory.mktemp("soak")).settings
    return ["--artifacts", str(settings.artifacts), "--model", str(settings.model)]


def test_soak_holds_a_service_that_it_starts_to_the_bars(
    flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ("Known type 2 diabetes.", "Shingles.")
    notes = [CodedNote(text, Note((Document(text),)), frozenset()) for text in texts]
    monkeypatch.setattr("app.evaluation.practice_notes.PracticeNotes.notes", lambda self: notes)
    status = main(["soak", "--start", "--seconds", "0.2", *flags])
    raw, ready, *phases, _ = capsys.readouterr().out.splitlines()[:10]
    assert raw.startswith("raw pipeline: ")
    assert ready.startswith("ready after ")
    names = ["saturate", "batch", "desk", "beside", "swap", "hot swap", "overload"]
    assert [line.partition(":")[0] for line in phases] == names
    assert all(" 0 lost, 0 different;" in line for line in phases if not line.startswith("hot swap"))
    assert status in (0, 1)  # how fast is a busy machine's


def test_own_service_is_gone_afterwards(flags: list[str]) -> None:
    with own_service(flags) as url:
        assert httpx.get(f"{url}/readyz").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/readyz")


def test_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotLoaded, match="did not start: icd-cascade: "), own_service(["--artifacts", str(tmp_path)]):
        pass
