"""Small tables in the layout of Edin et al. 2023, in every file format that is read."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest

from app.evaluation.corpora import Label, Labelled, open_corpus
from app.evaluation.errors import CorpusError

NOTES = [
    {"_id": 22, "text": "chest pain, again", "target": ["02HK3DZ", "I21.4", "I10."]},
    {"_id": 11, "text": "fever", "target": ["R50.9"]},
    {"_id": 33, "text": "cough", "target": ["J18.9"]},
    {"_id": 44, "text": "in no split", "target": ["A00.0"]},
]
SPLITS = [{"_id": 11, "split": "test"}, {"_id": 22, "split": "test"}, {"_id": 33, "split": "val"}]


def write_table(file: Path, rows: list[dict[str, Any]]) -> None:
    if file.suffix == ".csv":
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))  # a list is written as Python shows it, as pandas does
            writer.writeheader()
            writer.writerows(rows)
        return
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    table = pyarrow.Table.from_pylist(rows)
    (feather.write_feather if file.suffix == ".feather" else parquet.write_table)(table, str(file))


def write(folder: Path, suffix: str, name: str = "mimiciv_icd10") -> Path:
    write_table(folder / f"{name}{suffix}", NOTES)
    write_table(folder / f"{name}_split{suffix}", SPLITS)
    return folder


@pytest.mark.parametrize("suffix", [".feather", ".parquet", ".csv"])
def test_the_notes_of_a_split_are_sorted_by_id(tmp_path: Path, suffix: str) -> None:
    corpus = open_corpus("mimic-iv-icd10", write(tmp_path, suffix))
    first, second = corpus.notes("test")
    assert (first.id, first.text, set(first.gold)) == ("11", "fever", {"R50.9"})
    assert (second.id, second.text) == ("22", "chest pain, again")
    assert second.gold == {"02HK3DZ", "I21.4", "I10"}  # the published "I10." has a dot too many
    assert [note.id for note in corpus.notes("dev")] == ["33"]


def test_one_table_with_a_split_column_needs_no_other(tmp_path: Path) -> None:
    rows = [{"note_id": "7-DS-2", "text": "fever", "target": ["780.60"], "split": "train"}]
    write_table(tmp_path / "mimiciv_icd9.feather", rows)
    (note,) = open_corpus("mimic-iv-icd9", tmp_path).notes("train")
    assert (note.id, set(note.gold)) == ("7-DS-2", {"780.60"})


def test_labels_are_the_codes_of_the_splits_with_the_titles_of_their_version(tmp_path: Path) -> None:
    write(tmp_path, ".csv")
    (tmp_path / "d_icd_diagnoses.csv").write_text(
        "icd_code,icd_version,long_title\nI10,9,not this one\nI10,10,Essential hypertension\nI214,10,NSTEMI\n"
        "R509,10,Fever\nJ189,10,Pneumonia\nA000,10,Cholera\n"
    )
    (tmp_path / "d_icd_procedures.csv").write_text("icd_code,icd_version,long_title\n02HK3DZ,10,Insertion\n")
    corpus = open_corpus("mimic-iv-icd10", tmp_path)
    assert isinstance(corpus, Labelled)
    with pytest.raises(CorpusError, match="no note has the split train"):
        list(corpus.labels())
    write_table(tmp_path / "mimiciv_icd10_split.csv", [*SPLITS, {"_id": 44, "split": "train"}])
    assert list(corpus.labels()) == [
        Label("02HK3DZ", "Insertion"),
        Label("A00.0", "Cholera"),
        Label("I10", "Essential hypertension"),
        Label("I21.4", "NSTEMI"),
        Label("J18.9", "Pneumonia"),
        Label("R50.9", "Fever"),
    ]


def test_a_damaged_table_is_refused_by_name(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "mimiciv_icd10.feather").write_bytes(b"secret words, no table")
    with pytest.raises(CorpusError, match=r"mimiciv_icd10\.feather is no \.feather table") as caught:
        open_corpus("mimic-iv-icd10", tmp_path).notes("test")
    assert "secret" not in str(caught.value)


def test_missing_tables_columns_and_splits_are_named(tmp_path: Path) -> None:
    corpus = open_corpus("mimic-iv-icd10", tmp_path)
    with pytest.raises(CorpusError, match=r"has no mimiciv_icd10\.feather"):
        corpus.notes("test")
    write_table(tmp_path / "mimiciv_icd10.csv", [{"hadm": 1, "text": "x"}])
    write_table(tmp_path / "mimiciv_icd10_split.csv", SPLITS)
    with pytest.raises(CorpusError, match="expected a column _id or note_id"):
        corpus.notes("test")
    write_table(tmp_path / "mimiciv_icd10.csv", [{"_id": 11, "text": "x"}])
    with pytest.raises(CorpusError, match="no column target"):
        corpus.notes("test")
    with pytest.raises(CorpusError, match="no split val: expected one of train, dev, test"):
        corpus.notes("val")


@pytest.mark.parametrize(
    ("row", "message"),
    [({"text": None, "target": ["R05"]}, "row 1: text is"), ({"text": "secret", "target": None}, "row 1: target is")],
)
def test_a_row_without_text_or_codes_is_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    write_table(tmp_path / "mimiciv_icd10.parquet", [{"_id": 11, "split": "test", **row}])
    with pytest.raises(CorpusError, match=message) as caught:
        open_corpus("mimic-iv-icd10", tmp_path).notes("test")
    assert "secret" not in str(caught.value)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mimiciv_icd10.feather").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CorpusError, match=r"needs pyarrow: pip install 'icd-cascade\[corpora\]'"):
        open_corpus("mimic-iv-icd10", tmp_path).notes("test")
