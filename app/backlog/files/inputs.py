"""The input files of a run: found, fingerprinted, and cut by rows before anything is coded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from app.backlog.files import ndjson, tables
from app.backlog.files.parts import Source
from app.errors import RunRefused

SUFFIXES: Final = (".parquet", ".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
Tell = Callable[[str, int, int], None]


def find(paths: Sequence[Path]) -> tuple[list[tuple[str, Path]], int]:
    """Files by their names, folders with all that is below them; and how many files there are of other kinds.

    What begins with a dot or an underscore is left to its owner, as other readers of folders do. Raises RunRefused.
    """
    found: dict[str, Path] = {}
    others = 0
    for name, path in _listed(paths):
        if not name.endswith(SUFFIXES):
            others += 1
        elif name in found:
            raise RunRefused(f"Two input files would both be called {name}: give the folder above them.")
        else:
            found[name] = path
    if not found:
        raise RunRefused(f"There is no input: expected files that end in {', '.join(SUFFIXES)}.")
    return sorted(found.items()), others


def survey(
    found: Iterable[tuple[str, Path]],
    part_notes: int,
    columns: Mapping[str, str],
    fields: frozenset[str],
    tell: Tell,
) -> tuple[Source, ...]:
    """Read every file once: how many rows, which bytes. Raises RunRefused for one that cannot be read as it stands."""

    def one(name: str, path: Path) -> Source:
        starts: tuple[int, ...] = ()
        try:
            if name.endswith(".parquet"):
                rows = tables.check_columns(path, name, columns, fields)
            else:
                rows, starts = ndjson.survey(path, part_notes)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Source(path.absolute(), name, path.stat().st_size, digest, rows, starts)
        except (OSError, EOFError) as error:
            raise RunRefused(f"{name} cannot be read: {type(error).__name__}.") from None

    files = list(found)
    sources = []
    with ThreadPoolExecutor(4) as pool:
        for source in pool.map(lambda pair: one(*pair), files):
            sources.append(source)
            tell("survey", len(sources), len(files))
    return tuple(sources)


def _listed(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if path.is_dir():
            below = ((file.relative_to(path), file) for file in sorted(path.rglob("*")) if file.is_file())
            yield from ((str(name), file) for name, file in below if not _is_hidden(name))
        elif path.exists():
            yield path.name, path
        else:
            raise RunRefused(f"There is no input {path}.")


def _is_hidden(name: Path) -> bool:
    return any(part.startswith((".", "_")) for part in name.parts)
