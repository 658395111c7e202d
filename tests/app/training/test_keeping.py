"""Clauses on disk, and notes that nobody coded."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.evaluation.errors import CorpusError
from app.evaluation.transcripts import coded_ids
from app.training.keeping import read_clauses, read_notes, read_texts, write_clauses
from model.training.pairs import Clause
from model.training.text import Inside


def test_clauses_come_back_as_they_were(tmp_path: Path) -> None:
    clauses = [
        Clause("A01", "fiebre ñ\n tifoidea"),
        Clause("B02", "x", ("head", "tail"), (("C03", ("y",)), ("D04", ("z", "w"))), Inside("a x b", 2, 3)),
    ]
    write_clauses(clauses, tmp_path / "clauses.jsonl")
    assert read_clauses(tmp_path / "clauses.jsonl") == clauses
    assert [file.name for file in tmp_path.iterdir()] == ["clauses.jsonl"]


def test_clauses_kept_before_contexts_are_still_read(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text('["A01", "x", null, [["B02", ["y"]]]]\n')
    assert read_clauses(tmp_path / "old.jsonl") == [Clause("A01", "x", None, (("B02", ("y",)),))]


def test_notes_are_spread_evenly_and_some_are_never_read(tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_text("id,transcription\n" + "".join(f"{n},note {n}\n" for n in range(23)) + "23,\n")
    texts = read_texts(file)
    assert len(texts) == 20 and not {"note 0", "note 11", "note 22"} & set(texts)
    notes = [note.documents[0].text for note in read_notes(file, 5)]
    assert notes == [texts[i] for i in (0, 4, 8, 12, 16)]
    assert len(read_notes(file, 100)) == 20


def test_rows_that_were_coded_are_never_read(tmp_path: Path) -> None:
    coded = sorted(coded_ids())[:2]
    rows = [*coded, "none of ours", "another"]
    (tmp_path / "x.csv").write_text("note_id,text\n9,first\n" + "".join(f"{id},note {id}\n" for id in rows))
    assert read_texts(tmp_path / "x.csv") == ["note none of ours", "note another"]


def test_a_file_without_texts_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,words\n1,secret\n")
    with pytest.raises(CorpusError, match="line 1: expected a column transcription or text"):
        read_texts(tmp_path / "x.csv")
