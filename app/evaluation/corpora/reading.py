"""Reading the files of a corpus line by line. Errors name the file, the line and what was expected, never the text."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from app.evaluation.errors import CorpusError

LONGEST_FIELD = 10_000_000  # characters; the csv module stops at 131,072, which long discharge summaries exceed


def read_text(file: Path) -> str:
    """A whole UTF-8 file, its line ends as they are."""
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file} is not UTF-8 at byte {error.start}") from None


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """(number from 1, line without its end) of a UTF-8 file, one at a time; a .gz file is unpacked on the way.

    Only \\n and \\r\\n end a line: raw texts hold form feeds and other characters that str.splitlines breaks at.
    """
    for number, line in _whole_lines(file):
        yield number, line.removesuffix("\n").removesuffix("\r")


def read_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(line number, {column: field}) of a CSV file with a header that names at least these columns, in any case."""
    csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
    reader = csv.reader((line for _, line in _whole_lines(file)), strict=True)
    try:
        # Spreadsheets put a byte order mark before the first name.
        header = [name.removeprefix("\ufeff").strip().lower() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            raise CorpusError(f"{file} line 1: no column {missing[0]}; expected {', '.join(columns)}")
        for row in filter(None, reader):
            if len(row) != len(header):
                raise CorpusError(
                    f"{file} line {reader.line_num}: {len(row)} fields, expected {len(header)} as in the header"
                )
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        # csv's messages speak of the format ("unexpected end of data") and do not repeat the field
        raise CorpusError(f"{file} line {reader.line_num}: not CSV ({error})") from None


def first_existing(folder: Path, *names: str) -> Path | None:
    """The first of these files that the folder has, plain or with .gz behind the name; None where it has none."""
    paths = (folder / (name + suffix) for name in names for suffix in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _whole_lines(file: Path) -> Iterator[tuple[int, str]]:
    number = 0
    with _opened(file) as stream:
        try:
            for number, line in enumerate(stream, start=1):
                yield number, line.decode("utf-8")
        except UnicodeDecodeError:
            raise CorpusError(f"{file} line {number}: not UTF-8") from None
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise CorpusError(f"{file} line {number + 1}: not a whole gzip file") from None


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if not file.is_file():
        raise CorpusError(f"{file} is missing")
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        yield cast(IO[bytes], stream)
