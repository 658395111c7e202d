from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from app.evaluation.corpora import open_corpus
from app.evaluation.corpora.folder import SHARES, Folder, split_of
from app.evaluation.corpora.folder_rows import Place
from app.evaluation.errors import CorpusError
from index_builder.build import build
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


def write_texts(root: Path, texts: dict[str, str], codes: str, notes: str = "") -> Folder:
    for name, text in texts.items():
        (root / f"{name}.txt").write_bytes(text.encode())
    (root / "codes.csv").write_bytes(codes.encode())
    if notes:
        (root / "notes.csv").write_text(notes)
    return Folder(root)


def write_lines(root: Path, *lines: Any) -> Folder:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (root / "notes.ndjson").write_text(text + "\n")
    return Folder(root)


def test_texts_with_a_table_of_codes(tmp_path: Path) -> None:
    texts = {"b": "Cough.\r\nNo fever.", "a": "Na\u00efve. Gout.", "c": "Well."}
    folder = write_texts(
        tmp_path, texts, "\ufeffID,Code,Begin,End\r\nb,r05,0,5\r\na,m109,,\r\na,Z00.\u0020,,\r\nc,,,\r\n"
    )
    notes = folder.notes("all")
    assert [(note.id, note.gold, note.text) for note in notes] == [
        ("a", {"M109", "Z00"}, texts["a"]),
        ("b", {"R05"}, texts["b"]),
        ("c", frozenset(), texts["c"]),
    ]
    assert notes[1].places == (Place("R05", 0, 0, 5),)
    assert "Cough" not in repr(notes[1])


def test_codes_may_come_as_lines_and_packed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Gout.")
    (tmp_path / "codes.ndjson").write_text(
        '{"id": "a", "code": "M10.9", "begin": 0, "end": 4}\n\n{"id":"a","code":"Z00"}'
    )
    (note,) = Folder(tmp_path).notes("all")
    assert (set(note.gold), note.places) == ({"M10.9", "Z00"}, (Place("M10.9", 0, 0, 4),))


def test_lines_of_notes_with_documents_places_and_patients(tmp_path: Path) -> None:
    documents = [{"text": "Gout."}, {"text": "Shingles.", "type": "nursing"}]
    codes = ["m10.9", {"code": "B02.9", "begin": 0, "end": 8, "document": 1}]
    folder = write_lines(
        tmp_path,
        {"id": "2", "documents": documents, "codes": codes, "patient": "p"},
        {"id": "1", "text": "Well.", "codes": []},
    )
    one, two = folder.notes("all")
    assert (set(one.gold), set(two.gold)) == (set(), {"M10.9", "B02.9"})
    assert [(document.text, document.type) for document in two.note.documents] == [
        ("Gout.", None),
        ("Shingles.", "nursing"),
    ]
    assert (two.group, two.places) == ("p", (Place("B02.9", 1, 0, 8),))


def test_named_splits_are_kept(tmp_path: Path) -> None:
    notes = "id,split\na,learn\nb,learn\nc,check\n"
    folder = write_texts(tmp_path, dict.fromkeys("abc", "Gout."), "id,code\na,M10\nb,M10\nc,M10\n", notes)
    assert [[note.id for note in folder.notes(split)] for split in ("learn", "check", "all")] == [
        ["a", "b"],
        ["c"],
        ["a", "b", "c"],
    ]
    with pytest.raises(CorpusError, match="no split train: expected one of all, check, learn"):
        folder.notes("train")


def test_splits_by_hash_cover_all_notes_once_and_keep_patients_together(tmp_path: Path) -> None:
    lines = [{"id": str(n), "text": "Gout.", "codes": [], "patient": f"p{n % 100}"} for n in range(400)]
    folder = write_lines(tmp_path, *lines)
    found = {name: {note.id for note in folder.notes(name)} for name, _ in SHARES}
    assert sum(map(len, found.values())) == 400 == len(set().union(*found.values()))
    groups = {name: {note.group for note in folder.notes(name)} for name, _ in SHARES}
    assert not groups["train"] & (groups["dev"] | groups["test"])
    assert len(groups["train"]) > 2 * len(groups["dev"])
    counts = [split_of(str(n)) for n in range(10_000)]
    for name, share in SHARES:
        assert abs(counts.count(name) / 100 - share) < 2


@pytest.mark.parametrize(
    ("codes", "notes", "message"),
    [
        ("id,codes\n", "", r"codes.csv line 1: no column code"),
        ("id,code\na,M10\nz,M10\n", "", r"codes.csv line 3: field id: there is no z.txt"),
        ("id,code\na,gout\n", "", r"codes.csv line 2: field code: expected a code"),
        ("id,code\na\n", "", r"codes.csv line 2: 1 fields, expected 2"),
        ("id,code\n", "", r"codes.csv has no row for a.txt"),
        ("id,code,begin,end\na,M10,0,6\n", "", r"codes.csv line 2: field begin, end: expected 0 <= begin < end <= 5"),
        ("id,code,begin,end\na,M10,2,\n", "", r"field begin, end: .* both or none"),
        ("id,code,begin,end\na,M10,one,2\n", "", r"line 2: field begin: expected a whole number"),
        ("id,code\na,M10\n", "id,split\nb,x\n", r"notes.csv has no row for a.txt"),
        ("id,code\na,M10\n", "id,split\na,x\na,y\n", r"notes.csv line 3: field id: a stands there twice"),
        ("id,code\na,M10\n", "id,split\na,\n", r"notes.csv line 2: field split: empty"),
    ],
)
def test_a_wrong_table_is_named_with_line_and_field(tmp_path: Path, codes: str, notes: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        write_texts(tmp_path, {"a": "Gout."}, codes, notes).notes("all")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gout", "line 2: not JSON"),
        ([], "line 2: expected an object"),
        ({"text": "secret", "codes": []}, "line 2: field id: expected a text"),
        ({"id": "a", "text": "secret", "codes": []}, "line 2: field id: a stands there twice"),
        ({"id": "b", "codes": []}, "line 2: field text: expected either text or documents"),
        ({"id": "b", "text": " ", "codes": []}, "line 2: field text: expected a text that is not empty"),
        ({"id": "b", "documents": [], "codes": []}, "line 2: field documents: empty"),
        ({"id": "b", "documents": [{"words": "secret"}], "codes": []}, r"line 2: field documents\[0\].text: expected"),
        ({"id": "b", "text": "secret"}, "line 2: field codes: expected a list"),
        ({"id": "b", "text": "secret", "codes": [7]}, "line 2: field code: expected a code"),
        ({"id": "b", "text": "secret", "codes": [{"code": "M10", "begin": 0, "end": 7}]}, "line 2: field begin, end"),
        ({"id": "b", "text": "secret", "codes": [{"code": "M10", "begin": True}]}, "line 2: field begin: expected"),
        ({"id": "b", "text": "secret", "codes": [{"code": "M10", "begin": 0, "end": 1, "document": 1}]}, "document"),
        ({"id": "b", "text": "secret", "codes": [], "split": "x"}, "line 2: field split: some notes have one"),
    ],
)
def test_a_wrong_line_is_named_with_its_field_and_without_its_words(tmp_path: Path, line: Any, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        write_lines(tmp_path, {"id": "a", "text": "Gout.", "codes": []}, line).notes("all")
    assert "secret" not in str(caught.value)


def test_texts_without_a_table_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"has no notes: expected notes.ndjson, or <id>.txt and codes.csv"):
        open_corpus("folder", tmp_path).notes("all")
    (tmp_path / "a.txt").write_text("Gout.")
    with pytest.raises(CorpusError, match=r"has none of codes.csv, codes.ndjson"):
        Folder(tmp_path).notes("all")


def test_evaluate_measures_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build(FakeCodeSet(), FakeEncoder(), tmp_path / "artifacts", builder_version="test")
    monkeypatch.setattr("app.pipeline.assemble.open_encoder", lambda *_, **__: FakeEncoder())
    folder = tmp_path / "notes"
    folder.mkdir()
    write_texts(folder, {"a": "Shingles.", "b": "Low back pain."}, "id,code\na,B02\nb,m54\n")
    flags = ["--artifacts", str(tmp_path / "artifacts"), "--code-set", "fake", "--exact-notes", "0"]
    output = tmp_path / "report.json"
    command = ["evaluate", "--corpus", "folder", "--path", str(folder), "--split", "all", *flags]
    assert main([*command, "--output", str(output)]) == 0
    report = json.loads(output.read_text())
    assert report["corpus"]["notes"] == 2
    assert report["corpus"]["unreachable"] == 0
    (folder / "codes.csv").write_text("id,code\na,B02\n")
    assert main(command) == 1
    assert "codes.csv has no row for b.txt" in capsys.readouterr().err
