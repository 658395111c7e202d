"""The catalog file: its tables, how it is filled, and what is folded on the way."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index_builder.codesets.ordering import place
from index_builder.codesets.protocol import Code, CodeSet, SurfaceForm
from index_builder.word_keys import text_key

FORMAT = 2
_WORD = re.compile(r"\w+")
# Page size is fixed and nothing is journalled, so that the same input gives the same bytes.
_SCHEMA = f"""
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = NONE;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA user_version = {FORMAT};
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE arrays (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE codes (position INTEGER PRIMARY KEY, code TEXT NOT NULL, title TEXT NOT NULL, parent INTEGER,
                    billable INTEGER NOT NULL, notes TEXT NOT NULL);
CREATE TABLE forms (row INTEGER PRIMARY KEY, code INTEGER NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL,
                    extension INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(text, content = 'forms', content_rowid = 'row', detail = 'column',
                                      tokenize = 'unicode61 remove_diacritics 2');
"""


def fold(text: str) -> str:
    """What is left of a wording without case, punctuation and doubled blanks."""
    return " ".join(_WORD.findall(text.casefold()))


def write_file(code_set: CodeSet, path: Path) -> None:
    """Write the catalog of a code set; the file appears whole or not at all."""
    codes = sorted(code_set.codes(), key=lambda code: place(code.code))
    positions = {code.code: position for position, code in enumerate(codes)}
    forms = fold_forms(code_set.forms(), positions)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial, isolation_level=None)) as database:
        database.executescript(_SCHEMA)
        database.execute("BEGIN")
        _insert_codes(database, codes, positions)
        _insert_forms(database, forms)
        _insert_summary(database, code_set, codes, forms)
        database.execute("COMMIT")
        database.execute("INSERT INTO words (words) VALUES ('optimize')")
    os.replace(partial, path)


def fold_forms(forms: Iterable[SurfaceForm], positions: dict[str, int]) -> list[list[SurfaceForm]]:
    """The forms of each code position in their order, duplicates gone. Raises ValueError for an unknown code."""
    kept: list[dict[str, SurfaceForm]] = [{} for _ in positions]
    for form in forms:
        if form.code not in positions:
            raise ValueError(f"a surface form names {form.code}, which the code set does not have")
        kept[positions[form.code]].setdefault(fold(form.text), form)
    return [list(of_code.values()) for of_code in kept]


def _insert_codes(database: sqlite3.Connection, codes: Sequence[Code], positions: dict[str, int]) -> None:
    database.executemany(
        "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                position,
                code.code,
                code.title,
                None if code.parent is None else positions[code.parent],
                int(code.billable),
                json.dumps(code.notes, ensure_ascii=False, sort_keys=True) if code.notes else "",
            )
            for position, code in enumerate(codes)
        ),
    )
    database.execute("CREATE INDEX codes_by_parent ON codes (parent)")


def _insert_forms(database: sqlite3.Connection, forms: Sequence[Sequence[SurfaceForm]]) -> None:
    flat = ((position, form) for position, of_code in enumerate(forms) for form in of_code)
    database.executemany(
        "INSERT INTO forms VALUES (?, ?, ?, ?, ?)",
        ((row, position, form.text, form.source.value, form.extension) for row, (position, form) in enumerate(flat)),
    )
    database.execute("INSERT INTO words (words) VALUES ('rebuild')")


def _insert_summary(
    database: sqlite3.Connection, code_set: CodeSet, codes: Sequence[Code], forms: Sequence[Sequence[SurfaceForm]]
) -> None:
    meta = {"name": code_set.name, "edition": code_set.edition, "system": code_set.system}
    database.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
    arrays = {
        "billable": np.array([code.billable for code in codes], dtype=np.bool_).tobytes(),
        "code_names": "\n".join(code.code for code in codes).encode(),
        "offsets": _offsets(forms).astype("<i8").tobytes(),
        **dict(zip(("named_keys", "named_codes"), (column.tobytes() for column in _named(forms)), strict=True)),
    }
    database.executemany("INSERT INTO arrays VALUES (?, ?)", sorted(arrays.items()))


def _named(forms: Sequence[Sequence[SurfaceForm]]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """What each wording names: keys and code positions (n,), sorted by both, each pair once."""
    pairs = {(text_key(form.text), position) for position, of_code in enumerate(forms) for form in of_code}
    named = sorted(pair for pair in pairs if pair[0])
    return np.array([key for key, _ in named], dtype="<u8"), np.array([code for _, code in named], dtype="<i4")


def _offsets(forms: Sequence[Sequence[SurfaceForm]]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *(len(of_code) for of_code in forms)], dtype=np.int64)
