"""The three ways in which extreme classification corpora write down the labels of their documents."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from app.evaluation.corpora.reading import read_lines
from app.evaluation.errors import CorpusError

Columns = Sequence[int]
"""The labels of one document by their column in the label matrix, from 0."""


def read_names(file: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, label names) of AttentionXML's label file: blanks between the names of a document."""
    return ((number, line.split()) for number, line in read_lines(file))


def read_sparse(file: Path) -> Iterator[Columns]:
    """The labels of the extreme classification repository's sparse text format; its features are passed over.

    Header: documents, features, labels. Rows: `label,label feature:value feature:value`, labels from 0, none for a
    document without labels. Raises CorpusError.
    """
    lines = read_lines(file)
    documents, _, labels = _header(file, next(lines, (1, ""))[1])
    rows = 0
    for number, line in lines:
        first = line.split(" ", 1)[0]
        written = first.split(",") if first and ":" not in first else []
        if not all(label.isdecimal() and int(label) < labels for label in written):
            raise CorpusError(f"{file} line {number}: expected labels from 0 to {labels - 1} with commas between them")
        rows += 1
        yield [int(label) for label in written]
    if rows != documents:
        raise CorpusError(f"{file}: {rows} documents, the header says {documents}")


def read_csr(file: Path) -> Iterator[Columns]:
    """The labels of a CSR matrix that scipy.sparse.save_npz wrote, documents x labels. Raises CorpusError."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            kind = bytes(arrays["format"].item())
            indices, bounds, shape = arrays["indices"], arrays["indptr"], arrays["shape"]
    except (KeyError, TypeError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise CorpusError(f"{file} is no sparse matrix of scipy ({type(error).__name__})") from None
    if kind != b"csr" or len(bounds) != shape[0] + 1 or bounds[-1] != len(indices):
        raise CorpusError(f"{file}: expected a whole CSR matrix")
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        yield [int(column) for column in indices[start:stop]]


def _header(file: Path, line: str) -> tuple[int, int, int]:
    numbers = line.split()
    if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
        raise CorpusError(f"{file} line 1: expected three whole numbers: documents, features, labels")
    documents, features, labels = map(int, numbers)
    return documents, features, labels
