"""Small EURLEX and WIKI10 folders in the three layouts that circulate: all give the same notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.evaluation.corpora import Label, Labelled, open_corpus
from app.evaluation.errors import CorpusError

TEXTS = {"train": ["Cars /SEP/ on roads\x0cand rails", "Fish", "Ships"], "test": ["Boats"]}
COLUMNS = {"train": [[0, 2], [], [1, 2]], "test": [[1]]}
NAMES = ["air_transport", "fisheries", "vehicle"]
THEIRS = {"train": "trn", "test": "tst"}


def lines(file: Path, of: list[str]) -> None:
    file.write_bytes("".join(line + "\n" for line in of).encode())


def attention_xml(folder: Path) -> None:
    for split, columns in COLUMNS.items():
        lines(folder / f"{split}_raw_texts.txt", TEXTS[split])
        lines(folder / f"{split}_labels.txt", [" ".join(NAMES[column] for column in row) for row in columns])


def pecos(folder: Path) -> None:
    lines(folder / "output-items.txt", NAMES)
    for split, columns in COLUMNS.items():
        lines(folder / f"X.{THEIRS[split]}.txt", TEXTS[split])
        bounds = np.cumsum([0, *(len(row) for row in columns)])
        flat = np.array([column for row in columns for column in row])
        shape = np.array([len(columns), len(NAMES)])
        np.savez(
            folder / f"Y.{THEIRS[split]}.npz", indices=flat, indptr=bounds, shape=shape,
            data=np.ones(len(flat)), format=np.array(b"csr"),
        )  # fmt: skip


def repository(folder: Path) -> None:
    lines(folder / "label_map.txt", NAMES)
    for split, columns in COLUMNS.items():
        lines(folder / f"{split}_raw_texts.txt", TEXTS[split])
        rows = [f"{','.join(map(str, row))} 0:0.5 3:1" for row in columns]
        lines(folder / f"{split}.txt", [f"{len(rows)} 4 {len(NAMES)}", *rows])


LAYOUTS = [attention_xml, pecos, repository]


@pytest.mark.parametrize("name", ["eurlex-4k", "wiki10-31k"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_notes_and_labels(
    tmp_path: Path, layout: Callable[[Path], None], name: str
) -> None:
    layout(tmp_path)
    corpus = open_corpus(name, tmp_path)
    notes = corpus.notes("train")
    assert [note.gold for note in notes] == [{"00000", "00002"}, set(), {"00001", "00002"}]
    assert [note.text for note in notes] == ["Cars \n on roads\x0cand rails", "Fish", "Ships"]
    assert [note.id for note in notes] == ["train-000001", "train-000002", "train-000003"]
    assert [note.gold for note in corpus.notes("test")] == [{"00001"}]
    assert isinstance(corpus, Labelled)
    assert list(corpus.labels()) == [
        Label("00000", "air transport"), Label("00001", "fisheries"), Label("00002", "vehicle"),
    ]  # fmt: skip


def test_a_matrix_of_scipy_is_read(tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    pecos(tmp_path)
    sparse.save_npz(tmp_path / "Y.tst.npz", sparse.csr_matrix(np.array([[1.0, 0.0, 1.0]])))
    assert [note.gold for note in open_corpus("eurlex-4k", tmp_path).notes("test")] == [{"00000", "00002"}]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("test.txt", b"1 4\n0 1:1\n", "test.txt line 1: expected three whole numbers"),
        ("test.txt", b"1 4 3\n0,x 1:1\n", "test.txt line 2: expected labels from 0 to 2"),
        ("test.txt", b"1 4 3\n3 1:1\n", "test.txt line 2: expected labels from 0 to 2"),
        ("test.txt", b"2 4 3\n1 1:1\n", "1 documents, the header says 2"),
        ("test.txt", b"2 4 3\n1 1:1\n1 1:1\n", "fewer lines than the labels of test"),
        ("test_raw_texts.txt", b"secret\nsecret\n", "more lines than the labels of test"),
        ("test_raw_texts.txt", b"\xffsecret\n", "test_raw_texts.txt line 1: not UTF-8"),
        ("test_labels.txt", b"fisheries secret\n", "test_labels.txt line 1: 1 labels that the label map does not have"),
        ("Y.tst.npz", b"secret", "Y.tst.npz is no sparse matrix"),
    ],
)
def test_a_malformed_file_is_refused_without_its_text(tmp_path: Path, file: str, content: bytes, message: str) -> None:
    repository(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(CorpusError, match=message) as caught:
        open_corpus("eurlex-4k", tmp_path).notes("test")
    assert "secret" not in str(caught.value)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    corpus = open_corpus("wiki10-31k", tmp_path)
    with pytest.raises(CorpusError, match="none of test_raw_texts.txt, test_texts.txt, X.tst.txt"):
        corpus.notes("test")
    with pytest.raises(CorpusError, match="no split dev: expected one of train, test"):
        corpus.notes("dev")
    lines(tmp_path / "test_raw_texts.txt", ["x"])
    with pytest.raises(CorpusError, match="none of test_labels.txt, Y.tst.npz, test.txt"):
        corpus.notes("test")
    assert isinstance(corpus, Labelled)
    with pytest.raises(CorpusError, match=r"neither label_map\.txt nor output-items\.txt"):
        list(corpus.labels())
