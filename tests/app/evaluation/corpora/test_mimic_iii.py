"""Small files in CAML's layout: header, quoted texts, codes with ";" between them."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from app.evaluation.corpora import Label, Labelled, open_corpus
from app.evaluation.corpora.icd_titles import dotted
from app.evaluation.errors import CorpusError

Row = tuple[str, str, str, str]

TRAIN: list[Row] = [
    ("7", "100", "chest pain " * 20_000, "410.71;39.61"),  # longer than the csv module's own limit
    ("7", "101", "fever", "410.71;396.1"),
    *((str(30 + place), "200", "again", "410.71") for place in range(5)),
]
DEV: list[Row] = [("3", "300", "no codes here", ";"), ("4", "301", "one", "401.9")]
TEST: list[Row] = [("12", "400", "late", "410.71;39.61"), ("11", "401", "early", "V10.11;;E850.0;E850.0")]


def write(folder: Path, suffix: str = "full") -> Path:
    for split, rows in (("train", TRAIN), ("dev", DEV), ("test", TEST)):
        with (folder / f"{split}_{suffix}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["SUBJECT_ID", "HADM_ID", "TEXT", "LABELS", "length"])
            writer.writerows([*row, len(row[2].split())] for row in rows)
    return folder


def write_titles(folder: Path) -> None:
    (folder / "D_ICD_DIAGNOSES.csv").write_text(
        '"ROW_ID","ICD9_CODE","SHORT_TITLE","LONG_TITLE"\n1,"41071","Subendo infarct","Subendocardial infarction, '
        'initial"\n2,"3961","Mitral","Mitral stenosis and aortic insufficiency"\n3,"V1011","Hx","History of cancer"\n'
    )
    with gzip.open(folder / "D_ICD_PROCEDURES.csv.gz", "wt") as stream:
        stream.write('"ROW_ID","ICD9_CODE","SHORT_TITLE","LONG_TITLE"\n1,"3961","ECC","Extracorporeal circulation"\n')
    (folder / "ICD9_descriptions").write_text("E850.0\tAccidental poisoning by heroin\n410.71\tsecond wording\n")


def test_notes_are_sorted_by_id_and_keep_text_and_codes(tmp_path: Path) -> None:
    corpus = open_corpus("mimic-iii-full", write(tmp_path))
    early, late = corpus.notes("test")
    assert (early.id, set(early.gold), early.text) == ("11_401", {"V10.11", "E850.0"}, "early")
    assert (late.id, set(late.gold)) == ("12_400", {"410.71", "39.61"})
    assert [note.id for note in corpus.notes("dev")] == ["4_301"]  # the other has no codes
    assert max(len(note.text) for note in corpus.notes("train")) == 220_000


@pytest.mark.parametrize(("name", "suffix"), [("mimic-iii-50", "50"), ("mimic-iii-rare50", "50l")])
def test_each_label_set_has_its_own_files(tmp_path: Path, name: str, suffix: str) -> None:
    corpus = open_corpus(name, write(tmp_path, suffix))
    assert corpus.name == name
    assert len(corpus.notes("test")) == 2


def test_labels_are_the_codes_of_all_splits_with_their_titles_or_as_their_own(tmp_path: Path) -> None:
    write_titles(write(tmp_path))
    corpus = open_corpus("mimic-iii-full", tmp_path)
    assert isinstance(corpus, Labelled)
    assert list(corpus.labels()) == [
        Label("39.61", "Extracorporeal circulation"),
        Label("396.1", "Mitral stenosis and aortic insufficiency"),
        Label("401.9", "401.9"),
        Label("410.71", "Subendocardial infarction, initial"),
        Label("E850.0", "Accidental poisoning by heroin"),
        Label("V10.11", "History of cancer"),
    ]


def test_few_keeps_the_codes_of_one_to_five_training_notes(tmp_path: Path) -> None:
    write_titles(write(tmp_path))
    corpus = open_corpus("mimic-iii-few", tmp_path)
    assert [(note.id, set(note.gold)) for note in corpus.notes("test")] == [("12_400", {"39.61"})]
    assert isinstance(corpus, Labelled)
    assert [label.code for label in corpus.labels()] == ["39.61", "396.1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("SUBJECT_ID,HADM_ID,TEXT\n", "line 1: no column labels"),
        ("SUBJECT_ID,HADM_ID,TEXT,LABELS\n1,2,secret\n", "line 2: 3 fields, expected 4"),
        ("SUBJECT_ID,HADM_ID,TEXT,LABELS\n1,2,well,401.9\nx,2,secret,401.9\n", "line 3: expected whole numbers"),
        ('SUBJECT_ID,HADM_ID,TEXT,LABELS\n1,2,"secret', "line 2: not CSV"),
    ],
)
def test_a_malformed_file_is_refused_by_line_without_its_text(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "test_full.csv").write_text(content)
    with pytest.raises(CorpusError, match=message) as caught:
        open_corpus("mimic-iii-full", tmp_path).notes("test")
    assert "test_full.csv" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused_by_line(tmp_path: Path) -> None:
    (tmp_path / "test_full.csv").write_bytes(b"SUBJECT_ID,HADM_ID,TEXT,LABELS\n1,2,\xff,401.9\n")
    with pytest.raises(CorpusError, match="line 2: not UTF-8"):
        open_corpus("mimic-iii-full", tmp_path).notes("test")


def test_a_missing_file_dictionary_or_split_is_named(tmp_path: Path) -> None:
    corpus = open_corpus("mimic-iii-full", tmp_path)
    with pytest.raises(CorpusError, match="test_full.csv is missing"):
        corpus.notes("test")
    with pytest.raises(CorpusError, match="no split validation: expected one of train, dev, test"):
        corpus.notes("validation")
    assert isinstance(corpus, Labelled)
    with pytest.raises(CorpusError, match="d_icd_diagnoses.csv"):
        list(corpus.labels())


@pytest.mark.parametrize(
    ("plain", "version", "diagnosis", "expected"),
    [
        ("41071", 9, True, "410.71"),
        ("V053", 9, True, "V05.3"),
        ("E8500", 9, True, "E850.0"),
        ("E850", 9, True, "E850"),
        ("401", 9, True, "401"),
        ("3961", 9, False, "39.61"),
        ("I10", 10, True, "I10"),
        ("E1165", 10, True, "E11.65"),
        ("0BH17EZ", 10, False, "0BH17EZ"),
    ],
)
def test_dots_are_put_back_as_the_corpora_write_them(plain: str, version: int, diagnosis: bool, expected: str) -> None:
    assert dotted(plain, version, diagnosis) == expected
