"""The cross-walk artifact: artifacts/crosswalk/<content hash>/ with one SQLite file of all mappings."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from index_builder.crosswalk.gem import Mapping, read_gem
from index_builder.errors import ChangedFileError, CodeSetError, InconsistentError
from index_builder.manifest import MANIFEST, FileEntry, hash_of, read_as, text_of
from index_builder.publish import check_file, current, describe, publish

FOLDER = "crosswalk"
FORMAT = 1
_FILE = "crosswalk.sqlite"
# As the catalog's: page size fixed and nothing journalled, so that the same input gives the same bytes.
_SCHEMA = f"""
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = NONE;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA user_version = {FORMAT};
CREATE TABLE mappings (pair INTEGER, source TEXT, row INTEGER, target TEXT, flags INTEGER,
                       PRIMARY KEY (pair, source, row)) WITHOUT ROWID;
"""
_APPROXIMATE, _COMBINATION, _SCENARIO, _CHOICE = 1, 2, 4, 64  # flags: bits 0 and 1, bits 2-5, bits 6-9


@dataclass(frozen=True, slots=True)
class Pair:
    """A direction, its edition, and how many mappings it holds; sources: how many codes it maps or says it cannot."""

    source: str
    target: str
    edition: str
    sources: int
    mappings: int


@dataclass(frozen=True, slots=True)
class CrosswalkManifest:
    """Everything that identifies a cross-walk. `created` (ISO 8601, UTC) is outside the content hash."""

    format: int
    pairs: tuple[Pair, ...]
    builder: str
    files: dict[str, FileEntry]
    created: str

    def content_hash(self) -> str:
        """16 hex digits over everything except `created`; the name of the artifact's folder."""
        return hash_of(dataclasses.asdict(self))

    def to_json(self) -> str:
        """The text of manifest.json."""
        return text_of(dataclasses.asdict(self))


@dataclass(frozen=True, slots=True)
class GemFile:
    """A file of general equivalence mappings from one code set to another."""

    source: str
    target: str
    file: Path


def build_crosswalk(files: Sequence[GemFile], edition: str, artifacts: Path, builder_version: str) -> Path:
    """Publish the mappings of these files and make them current; returns the artifact's folder.

    Raises CodeSetError for a file that cannot be read and for a direction that is given twice.
    """
    root = artifacts / FOLDER
    folder = root / ".work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ordered = sorted(files, key=lambda one: (one.source, one.target))
    pairs: list[Pair] = []
    with closing(sqlite3.connect(folder / _FILE, isolation_level=None)) as database:
        database.executescript(_SCHEMA)
        database.execute("BEGIN")
        for number, one in enumerate(ordered):
            if number and (one.source, one.target) == (ordered[number - 1].source, ordered[number - 1].target):
                raise CodeSetError(one.file, f"a second file from {one.source} to {one.target}")
            mappings = list(read_gem(one.file, one.source, one.target))
            sources = _insert(database, number, mappings)
            pairs.append(Pair(one.source, one.target, edition, sources, len(mappings)))
        database.execute("COMMIT")
    manifest = CrosswalkManifest(
        format=FORMAT,
        pairs=tuple(pairs),
        builder=builder_version,
        files=describe(folder, (_FILE,)),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return publish(folder, root, manifest)


class Crosswalk:
    """The mappings of an artifact. Safe to share between threads: they take turns."""

    def __init__(self, folder: Path) -> None:
        """Verify and open. Raises ArtifactError, which names the file at fault."""
        manifest = read_as(CrosswalkManifest, folder, FORMAT)
        if manifest.content_hash() != folder.name:
            raise ChangedFileError(folder / MANIFEST, f"changed: content hash {manifest.content_hash()}")
        for name, entry in manifest.files.items():
            check_file(folder / name, entry)
        self.version = folder.name
        self.pairs = manifest.pairs
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            f"{(folder / _FILE).resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        if self._database.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            raise InconsistentError(folder / _FILE, "is of another format than its manifest says")

    def of(self, code_set: str, code: str) -> list[tuple[Pair, list[Mapping]]]:
        """Per direction from this code set what is said of a code, written with its dot, in the order of the file."""
        found = []
        for number, pair in enumerate(self.pairs):
            if pair.source == code_set and (mappings := self._mappings(number, code)):
                found.append((pair, mappings))
        return found

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _mappings(self, pair: int, code: str) -> list[Mapping]:
        query = "SELECT target, flags FROM mappings WHERE pair = ? AND source = ? ORDER BY row"
        with self._lock:
            rows = self._database.execute(query, (pair, code)).fetchall()
        return [_unpacked(code, target, flags) for target, flags in rows]


def open_crosswalk(artifacts: Path) -> Crosswalk | None:
    """The current cross-walk, or None where none was ever built. Raises ArtifactError for one that must not be used."""
    return Crosswalk(current(artifacts / FOLDER)) if (artifacts / FOLDER / "current").is_file() else None


def _insert(database: sqlite3.Connection, pair: int, mappings: Iterable[Mapping]) -> int:
    rows: dict[str, int] = {}
    for one in mappings:
        rows[one.source] = row = rows.get(one.source, -1) + 1
        database.execute(
            "INSERT INTO mappings VALUES (?, ?, ?, ?, ?)", (pair, one.source, row, one.target, _flags(one))
        )
    return len(rows)


def _flags(one: Mapping) -> int:
    bits = _APPROXIMATE * one.approximate + _COMBINATION * one.combination
    return bits + _SCENARIO * one.scenario + _CHOICE * one.choice


def _unpacked(source: str, target: str | None, flags: int) -> Mapping:
    scenario, choice = flags // _SCENARIO % 16, flags // _CHOICE
    return Mapping(source, target, bool(flags & _APPROXIMATE), bool(flags & _COMBINATION), scenario, choice)
