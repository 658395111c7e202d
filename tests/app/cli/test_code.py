from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from app.cli.code import read_request, show
from app.cli.main import main
from app.cli.rendering import highlight, render
from app.errors import InvalidField, MalformedBody
from app.pipeline.note import CodingOptions, Document, Note
from tests.app.fakes import FakeCoder, few_codes

TEXT = "Known asthma.\r\n\x1b[31m[bold]Podagra[/bold]\x0b since\tMay. 😀 gout"


@pytest.fixture
def coder(tmp_path: Path) -> Iterator[FakeCoder]:
    with closing(few_codes(tmp_path)) as catalog:
        yield FakeCoder(catalog)


def arguments(note: Path, top_k: int = 20) -> argparse.Namespace:
    return argparse.Namespace(note=str(note), top_k=top_k, all_codes=False, calibration="general", code_set=None)


def test_json_is_the_answer_of_the_service(
    coder: FakeCoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(TEXT.encode())
    show(read_request(arguments(note)), coder, as_json=True)
    answer = json.loads(capsys.readouterr().out)
    spans = [span for item in answer["codes"] for span in item["evidence"]]
    assert [TEXT[span["start"] : span["end"]] for span in spans] == ["asthma", "Podagra", "gout"]


def test_the_command_opens_what_the_settings_name_and_prints_the_answer(
    coder: FakeCoder, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[object, ...]] = []

    def open_coder(*args: object, **_options: object) -> FakeCoder:
        opened.append(args)
        return coder

    monkeypatch.setattr("app.pipeline.assemble.open_coder", open_coder)
    note = tmp_path / "note.txt"
    note.write_bytes(TEXT.encode())
    assert main(["code", str(note), "--json", "--artifacts", str(tmp_path)]) == 0
    assert opened == [(tmp_path, "icd-10-cm", None, "onnx")]
    assert json.loads(capsys.readouterr().out)["codes"][0]["code"] == "J45.20"


def test_highlight_marks_the_evidence_and_silences_control_characters(coder: FakeCoder) -> None:
    [coding] = coder.code([Note((Document(TEXT),))], [CodingOptions()])
    shown = highlight(TEXT, coding)
    assert len(shown.plain) == len(TEXT)
    assert "\x1b" not in shown.plain
    assert [shown.plain[span.start : span.end] for span in shown.spans] == ["asthma", "Podagra", "gout"]


def test_table_ranks_the_codes(coder: FakeCoder) -> None:
    [coding] = coder.code([Note((Document(TEXT),))], [CodingOptions()])
    console = Console(file=io.StringIO(), width=120)
    render(coding, TEXT, coder.versions, console)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert "Mild intermittent asthma, uncomplicated" in printed
    assert "[bold]Podagra[/bold]" in printed  # the note's brackets are no markup


def test_note_that_the_service_would_refuse_is_refused(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(b"gout \xff")
    with pytest.raises(MalformedBody):
        read_request(arguments(note))
    note.write_text(" ")
    with pytest.raises(InvalidField):
        read_request(arguments(note))
    note.write_text("gout")
    with pytest.raises(InvalidField):
        read_request(arguments(note, top_k=0))
