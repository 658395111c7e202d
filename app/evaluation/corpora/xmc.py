"""EURLEX-4K and WIKI10-31K, the text classification corpora of the extreme classification literature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from app.evaluation.corpora.coded_note import CodedNote, Label, one_document
from app.evaluation.corpora.reading import first_existing, read_lines
from app.evaluation.corpora.xmc_labels import Columns, read_csr, read_names, read_sparse
from app.evaluation.errors import CorpusError

NAMES = ("eurlex-4k", "wiki10-31k")
SPLITS = {"train": "trn", "test": "tst"}
_MAPS = ("label_map.txt", "output-items.txt")
_SEPARATOR = "/SEP/"  # stands between title and body in AttentionXML's raw texts


@dataclass(frozen=True, slots=True)
class Xmc:
    """A corpus in the layout of AttentionXML, of X-Transformer and PECOS, or of the repository's sparse files.

    Layout, one line or row a document, the same order in both files; the first of each that is there is read:
      texts   <split>_raw_texts.txt, <split>_texts.txt (AttentionXML, X-Transformer), X.trn.txt and X.tst.txt (PECOS)
      labels  <split>_labels.txt (AttentionXML: names, blanks between them), Y.trn.npz and Y.tst.npz (X-Transformer,
              PECOS: a CSR matrix), <split>.txt (extreme classification repository: header and sparse rows)
      names   label_map.txt or output-items.txt, line n for column n from 0; without one, the names of both label
              files in their order, as AttentionXML's binarizer has them
    The code of a label is its column with five digits: names are neither short nor unique without case.
    """

    path: Path
    name: str = "eurlex-4k"

    def notes(self, split: str) -> Sequence[CodedNote]:
        """The documents of train or test in the order of the files. Raises CorpusError."""
        if split not in SPLITS:
            raise CorpusError(f"{self.name} has no split {split}: expected one of {', '.join(SPLITS)}")
        texts = self._texts(split)
        return [
            one_document(f"{split}-{number:06d}", text.replace(_SEPARATOR, "\n"), map(code_of, columns))
            for number, (text, columns) in enumerate(self._pairs(texts, split), start=1)
        ]

    def labels(self) -> Iterator[Label]:
        """The label space with its wordings; underscores are read as blanks."""
        return (
            Label(code_of(column), name.replace("_", " ").strip() or name) for column, name in enumerate(self._names())
        )

    def _texts(self, split: str) -> Path:
        names = (f"{split}_raw_texts.txt", f"{split}_texts.txt", f"X.{SPLITS[split]}.txt")
        file = first_existing(self.path, *names)
        if file is None:
            raise CorpusError(f"{self.path} has none of {', '.join(names)}")
        return file

    def _pairs(self, texts: Path, split: str) -> Iterator[tuple[str, Columns]]:
        for line, columns in zip_longest(read_lines(texts), self._columns(split)):
            if line is None or columns is None:
                short = "fewer" if line is None else "more"
                raise CorpusError(f"{texts} has {short} lines than the labels of {split} have rows")
            yield line[1], columns

    def _columns(self, split: str) -> Iterator[Columns]:
        named = self.path / f"{split}_labels.txt"
        matrix = self.path / f"Y.{SPLITS[split]}.npz"
        sparse = self.path / f"{split}.txt"
        if named.is_file():
            place = {name: column for column, name in reversed(list(enumerate(self._names())))}
            return _places(named, place)
        if matrix.is_file():
            return read_csr(matrix)
        if sparse.is_file():
            return read_sparse(sparse)
        raise CorpusError(f"{self.path} has none of {named.name}, {matrix.name}, {sparse.name}")

    def _names(self) -> list[str]:
        file = first_existing(self.path, *_MAPS)
        if file is not None:
            return [line.strip() for _, line in read_lines(file)]
        named = [self.path / f"{split}_labels.txt" for split in SPLITS]
        if not all(file.is_file() for file in named):
            raise CorpusError(f"{self.path} has neither {' nor '.join(_MAPS)}: the wordings of the labels")
        return sorted({name for file in named for _, names in read_names(file) for name in names})


def code_of(column: int) -> str:
    """The code of the label in a column."""
    return f"{column:05d}"


def _places(file: Path, place: dict[str, int]) -> Iterator[Columns]:
    for number, names in read_names(file):
        if unknown := [name for name in names if name not in place]:
            raise CorpusError(f"{file} line {number}: {len(unknown)} labels that the label map does not have")
        yield [place[name] for name in names]
