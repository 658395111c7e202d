"""Coded transcripts: rows of a table that the user brings, with codes of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.evaluation.corpora import open_corpus
from app.evaluation.errors import CorpusError
from app.evaluation.transcripts import CODES, Transcripts
from index_builder.codesets.icd10cm import ICD10CM


@pytest.fixture
def corpus(tmp_path: Path) -> Transcripts:
    rows = "".join(f'{number},"COUGH, number {number}"\n' for number in range(23))
    (tmp_path / "mtsamples_few.csv").write_text(f"note_id,transcription\n{rows}", encoding="utf-8")
    codes = tmp_path / "codes.jsonl"
    lines = [
        {"id": "3", "codes": ["J06.9"], "optional": ["R05.9", "J06.9"], "forbidden": ["J18"]},
        {"id": "11", "codes": [], "optional": [], "forbidden": []},
        {"id": "22", "codes": [], "optional": [], "forbidden": [], "part": "unseen"},
    ]
    codes.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return Transcripts(tmp_path, codes)


def test_codes_find_their_rows_and_every_eleventh_is_aside(corpus: Transcripts) -> None:
    first, second, third = corpus.notes()
    assert (first.id, first.text, first.gold, first.uncounted) == (
        "3",
        "COUGH, number 3",
        frozenset({"J06.9"}),
        frozenset({"R05.9"}),
    )
    assert first.billed and first.forbidden == ("J18",)
    assert [note.id for note in corpus.notes("train")] == ["3"]
    assert [note.id for note in corpus.notes("aside")] == ["11"] == [second.id]
    assert [note.id for note in corpus.notes("unseen")] == ["22"] == [third.id]


def test_what_is_missing_is_named(corpus: Transcripts, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no split dev"):
        corpus.notes("dev")
    corpus.codes.write_text('{"id": "99", "codes": [], "optional": [], "forbidden": []}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="no row with note_id 99"):
        corpus.notes()
    (tmp_path / "mtsamples_few.csv").write_text("id,text\n1,x\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="note_id"):
        corpus.notes()
    (tmp_path / "mtsamples_few.csv").unlink()
    with pytest.raises(CorpusError, match="mtsamples"):
        open_corpus("transcripts", tmp_path).notes("all")


def test_the_codes_that_ship_can_be_billed_and_forbid_none_of_their_own() -> None:
    billable = {code.code for code in ICD10CM(terms=None).codes() if code.billable}
    rows = [json.loads(line) for line in CODES.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 200 and len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        own = {*row["codes"], *row["optional"]}
        assert own <= billable, row["id"]
        assert not [code for code in own if code.startswith(tuple(row["forbidden"]))], row["id"]
