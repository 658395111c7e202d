"""The catalog: the codes of one code set in one edition, and their surface forms, in one read-only SQLite file."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index_builder.catalog_file import FORMAT, write_file
from index_builder.codesets.protocol import Code, CodeSet, FormSource, SurfaceForm
from index_builder.word_keys import Keys

_FORM = "SELECT codes.code, forms.text, forms.source, forms.extension FROM forms JOIN codes ON position = forms.code"
# The shortest form that has all the words says the least besides them; earlier codes win ties.
_SEARCH = """
SELECT forms.code FROM words JOIN forms ON forms.row = words.rowid
WHERE words MATCH ? GROUP BY forms.code ORDER BY min(length(forms.text)), forms.code LIMIT ?
"""
_WORD = re.compile(r"[^\W_]+")
_CODE_LIKE = re.compile(r"[A-Za-z]?\d[\w.]*|[A-Za-z]")


class CatalogError(ValueError):
    """The file is no catalog, or one of another format."""


class Catalog:
    """Codes by position and forms by row; the forms of code p are rows offsets[p]:offsets[p + 1].

    Codes are in the order of `index_builder.codesets.ordering`: by code, a family's plain one first.
    Safe to share between threads: each gets its own connection to the file.
    """

    def __init__(self, path: Path) -> None:
        """Use Catalog.open or Catalog.write."""
        self._uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._closed = False
        try:
            self._load()
        except sqlite3.DatabaseError as error:
            self.close()
            raise CatalogError(f"{path.name} is not a catalog") from error

    def _load(self) -> None:
        if self._connection().execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            raise sqlite3.DatabaseError("another format")
        meta: dict[str, str] = dict(self._connection().execute("SELECT key, value FROM meta"))
        arrays: dict[str, bytes] = dict(self._connection().execute("SELECT name, value FROM arrays"))
        self.name, self.edition, self.system = meta["name"], meta["edition"], meta["system"]
        self.offsets: npt.NDArray[np.int64] = np.frombuffer(arrays["offsets"], dtype="<i8")
        self.billable: npt.NDArray[np.bool_] = np.frombuffer(arrays["billable"], dtype=np.bool_)
        self._named_keys: Keys = np.frombuffer(arrays["named_keys"], dtype="<u8")
        self.named_codes: npt.NDArray[np.int32] = np.frombuffer(arrays["named_codes"], dtype="<i4")
        self.code_names: Sequence[str] = tuple(arrays["code_names"].decode().split("\n"))
        self._plain = np.array([plain(code) for code in self.code_names], dtype=np.bytes_)
        self._by_plain = np.argsort(self._plain, kind="stable")

    @classmethod
    def write(cls, code_set: CodeSet, path: Path) -> Catalog:
        """Write the catalog of a code set to path and open it. The same code set gives the same bytes."""
        write_file(code_set, path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Catalog:
        """Open a written catalog. Raises FileNotFoundError, or CatalogError for any other kind of file."""
        if not path.is_file():
            raise FileNotFoundError(f"no catalog at {path}")
        return cls(path)

    def close(self) -> None:
        """Close the connections of all threads; any use afterwards raises CatalogError."""
        with self._lock:
            self._closed = True
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    @property
    def code_count(self) -> int:
        """C."""
        return len(self.code_names)

    @property
    def form_count(self) -> int:
        """How many surface forms there are."""
        return int(self.offsets[-1])

    def position(self, code: str) -> int | None:
        """Position of a code, written with or without its dot, in any case; None where there is none.

        ICD-9 has codes that differ in the dot alone (39.61 is an operation, 396.1 a disease): the code as it is written
        comes first, the first in order where it is written otherwise.
        """
        wanted = plain(code)
        if not wanted.isascii():
            return None
        start, stop = (
            int(np.searchsorted(self._plain, wanted.encode(), side=side, sorter=self._by_plain))
            for side in ("left", "right")
        )
        same = [int(position) for position in self._by_plain[start:stop]]
        return next((position for position in same if self.code_names[position] == code), same[0] if same else None)

    def entry(self, position: int) -> Code:
        """The code at a position. Raises IndexError outside 0..C-1."""
        row = self._one("SELECT title, parent, billable, notes FROM codes WHERE position = ?", position)
        notes = {kind: tuple(lines) for kind, lines in json.loads(row[3]).items()} if row[3] else {}
        parent = None if row[1] is None else self.code_names[row[1]]
        return Code(self.code_names[position], row[0], parent, bool(row[2]), notes)

    def title(self, position: int) -> str:
        """The title of the code at a position. Raises IndexError outside 0..C-1."""
        return str(self._one("SELECT title FROM codes WHERE position = ?", position)[0])

    def form(self, row: int) -> SurfaceForm:
        """The surface form of a row. Raises IndexError where there is none."""
        return _form(self._one(f"{_FORM} WHERE forms.row = ?", row))

    def forms(self, start: int = 0, stop: int | None = None) -> list[SurfaceForm]:
        """The surface forms of rows start:stop, all of them by default."""
        end = self.form_count if stop is None else stop
        query = f"{_FORM} WHERE forms.row >= ? AND forms.row < ? ORDER BY forms.row"
        return [_form(found) for found in self._connection().execute(query, (int(start), int(end)))]

    def children(self, position: int) -> list[int]:
        """Positions of the codes right below, in order."""
        query = "SELECT position FROM codes WHERE parent = ? ORDER BY position"
        return [int(row[0]) for row in self._connection().execute(query, (int(position),))]

    def ancestors(self, position: int) -> list[int]:
        """Positions from the parent up to the category. Raises IndexError outside 0..C-1."""
        found: list[int] = []
        query = "SELECT parent FROM codes WHERE position = ?"
        while (parent := self._one(query, found[-1] if found else position)[0]) is not None:
            found.append(parent)
        return found

    def within(self, prefixes: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Mask (C,) of the codes that begin with any of the prefixes ("J", "E11", "e11.9")."""
        mask = np.zeros(self.code_count, dtype=np.bool_)
        for prefix in map(plain, prefixes):
            if prefix and prefix.isascii():
                mask |= np.char.startswith(self._plain, prefix.encode())
        return mask

    def named(self, keys: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where the codes with a wording of each key (n,) stand in `named_codes`: begins, ends (n,)."""
        begins, ends = (np.searchsorted(self._named_keys, keys, side=side) for side in ("left", "right"))
        return begins, ends

    def search(self, words: str, limit: int) -> list[int]:
        """Positions of the best codes: those that the words begin, then those with a form that has all the words.

        Words may be unfinished. Nothing in `words` is read as search syntax.
        """
        begun = self._begun_by(words, limit)
        terms = _WORD.findall(words)
        if not terms or len(begun) >= limit:
            return begun
        # Quoted terms are plain text to FTS5; the star behind the quotes makes a prefix of them.
        query = " ".join(f'"{term}"*' for term in terms)
        rows = self._connection().execute(_SEARCH, (query, limit))
        return list(dict.fromkeys([*begun, *(int(row[0]) for row in rows)]))[:limit]

    def _begun_by(self, words: str, limit: int) -> list[int]:
        stripped = words.strip()
        if limit <= 0 or not _CODE_LIKE.fullmatch(stripped):
            return []
        return [int(position) for position in np.flatnonzero(self.within([stripped]))[:limit]]

    def _one(self, query: str, key: int) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._connection().execute(query, (int(key),)).fetchone()
        if row is None:
            raise IndexError(f"the catalog has no row or position {key}")
        return row

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None or self._closed:
            connection = self._connect()
            self._local.connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise CatalogError("the catalog is closed")
            connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
            self._connections.append(connection)
            return connection


def plain(code: str) -> str:
    """A code without dot, blanks and case: " e11.9 " -> "E119"."""
    return code.strip().replace(".", "").upper()


def _form(row: tuple[Any, ...]) -> SurfaceForm:
    code, text, source, extension = row
    return SurfaceForm(code, text, FormSource(source), extension)
