"""Tables of a corpus: feather and parquet by pyarrow (extra `corpora`), and CSV. Read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from app.evaluation.corpora.reading import read_lines, read_rows
from app.evaluation.errors import CorpusError

SUFFIXES = (".feather", ".parquet", ".csv", ".csv.gz")
BATCH_ROWS = 1024

Row = dict[str, Any]


class Table(Protocol):
    """Named columns, read row by row."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of its columns."""
        ...

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
        """(row or line number from 1, {column: value}) of these columns, in order. Raises CorpusError."""
        ...


def find_table(folder: Path, stem: str) -> Path:
    """<folder>/<stem> with one of the known endings. Raises CorpusError when there is none."""
    for suffix in SUFFIXES:
        if (folder / (stem + suffix)).is_file():
            return folder / (stem + suffix)
    raise CorpusError(f"{folder} has no {stem}{SUFFIXES[0]} ({', '.join(SUFFIXES[1:])} will do)")


def read_table(file: Path) -> Table:
    """The table in a file, by its ending."""
    return _Csv(file) if ".csv" in file.suffixes else _Arrow(file)


@dataclass(frozen=True, slots=True)
class _Csv:
    file: Path

    @property
    def columns(self) -> Sequence[str]:
        for _, line in read_lines(self.file):
            return [name.strip().strip('"').lower() for name in line.split(",")]
        return []

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
        for number, row in read_rows(self.file, columns):
            yield number, {name: row[name] for name in columns}


@dataclass(frozen=True, slots=True)
class _Arrow:
    file: Path

    @property
    def columns(self) -> Sequence[str]:
        with self._opened() as data:
            return list(data.schema.names)

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
        missing = [name for name in columns if name not in self.columns]
        if missing:
            raise CorpusError(f"{self.file}: no column {missing[0]}; expected {', '.join(columns)}")
        number = 0
        with self._opened() as data:
            for batch in data.to_batches(columns=list(columns), batch_size=BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            import pyarrow
            from pyarrow import dataset
        except ImportError:
            raise CorpusError(f"{self.file.name} needs pyarrow: pip install 'icd-cascade[corpora]'") from None
        try:
            yield dataset.dataset(self.file, format=self.file.suffix.removeprefix("."))
        except (pyarrow.ArrowException, OSError) as error:
            raise CorpusError(f"{self.file} is no {self.file.suffix} table ({type(error).__name__})") from None
