"""Publishing a finished artifact folder: fsync, rename, then the pointers. Readers see all of it or none.

`current` names the artifact that was published last, `editions/2025-10` the last one of that edition: several editions
of a code set stand side by side.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from index_builder.errors import ArtifactError, ChangedFileError, ManifestError, MissingFileError, TruncatedFileError
from index_builder.manifest import MANIFEST, OUTSIDE, FileEntry, read_manifest
from model.checkpoint import sha256_of

POINTER = "current"
EDITIONS = "editions"
_EDITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Described(Protocol):
    """The manifest of any kind of artifact."""

    @property
    def files(self) -> Mapping[str, FileEntry]:
        """The artifact's files but the manifest."""
        ...

    def content_hash(self) -> str:
        """16 hex digits, the name of the artifact's folder."""
        ...

    def to_json(self) -> str:
        """The text of manifest.json; how the artifact came about stands outside the content hash."""
        ...


def describe(folder: Path, names: Iterable[str]) -> dict[str, FileEntry]:
    """Size and SHA-256 of each of these files of a folder."""
    return {name: FileEntry((folder / name).stat().st_size, sha256_of(folder / name)) for name in sorted(names)}


def check_file(path: Path, entry: FileEntry) -> None:
    """Compare a file with its manifest entry. Raises MissingFileError, TruncatedFileError or ChangedFileError."""
    if not path.is_file():
        raise MissingFileError(path, "missing")
    size = path.stat().st_size
    if size < entry.size:
        raise TruncatedFileError(path, f"truncated to {size} of {entry.size} bytes")
    if size > entry.size:
        raise ChangedFileError(path, f"changed: {size} bytes instead of {entry.size}")
    if sha256_of(path) != entry.sha256:
        raise ChangedFileError(path, "changed: sha256 differs from the manifest")


def publish(finished: Path, root: Path, manifest: Described, edition: str | None = None) -> Path:
    """Move a finished folder of the same file system to root/<content hash> and point `current` at it.

    With an edition that edition's pointer is set, too, and the artifact that was current before keeps one of its own.
    The files of an intact artifact of the same hash are kept; a damaged one is replaced. Others are never touched.
    """
    _write_synced(finished / MANIFEST, manifest.to_json())
    for name in manifest.files:
        _sync(finished / name)
    _sync(finished)
    target = root / manifest.content_hash()
    if is_intact(target, manifest):
        (finished / MANIFEST).replace(target / MANIFEST)  # the same but for how it came about
        shutil.rmtree(finished)
    else:
        shutil.rmtree(target, ignore_errors=True)
        finished.rename(target)
    _sync(root)
    if edition is not None:
        _keep_edition(root)
        _point(root / EDITIONS, edition, target.name)
    point(root, target.name)
    return target


def restate(folder: Path, manifest: Described) -> None:
    """Write the manifest of a published artifact anew, atomically. Its content hash must be the folder's name."""
    if manifest.content_hash() != folder.name:
        raise ValueError(f"{folder.name} holds something else than {manifest.content_hash()}")
    temporary = folder / f".{MANIFEST}"
    _write_synced(temporary, manifest.to_json())
    temporary.replace(folder / MANIFEST)
    _sync(folder)


def point(root: Path, content_hash: str) -> None:
    """Make root/current name this artifact, atomically."""
    _point(root, POINTER, content_hash)


def current(root: Path) -> Path:
    """The artifact folder that root/current names. Raises MissingFileError or ManifestError."""
    return _named(root, root / POINTER, "missing: no index has been built here")


def of_edition(root: Path, edition: str) -> Path:
    """The artifact folder of an edition: the current one if it is of that edition, else what its pointer names.

    Raises MissingFileError or ManifestError.
    """
    newest = current(root)
    if edition_of(newest) == edition:
        return newest
    if not _EDITION.fullmatch(edition):
        raise MissingFileError(root / EDITIONS, "missing: no edition has such a name")
    return _named(root, root / EDITIONS / edition, "missing: no index of this edition has been built here")


def folder_of(artifacts: Path, code_set: str, *, edition: str | None = None, index: str | None = None) -> Path:
    """The folder of the artifact with this content hash, or else of this edition, or else of the current one.

    Raises MissingFileError or ManifestError for a pointer that leads nowhere.
    """
    root = artifacts / code_set
    if index is not None:
        return root / index
    return current(root) if edition is None else of_edition(root, edition)


def edition_of(folder: Path) -> str:
    """The edition of an index artifact. Raises MissingFileError or ManifestError."""
    return read_manifest(folder).code_set.edition


def _keep_edition(root: Path) -> None:
    """Give the current artifact the pointer of its edition, which the next edition would leave without any."""
    try:
        before = current(root)
        edition = edition_of(before)
    except ArtifactError:
        return  # nothing that could be served
    if not (root / EDITIONS / edition).is_file():
        _point(root / EDITIONS, edition, before.name)


def _point(folder: Path, name: str, content_hash: str) -> None:
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{name}"
    _write_synced(temporary, content_hash + "\n")
    temporary.replace(folder / name)
    _sync(folder)


def _named(root: Path, pointer: Path, otherwise: str) -> Path:
    try:
        name = pointer.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        raise MissingFileError(pointer, otherwise) from None
    if len(name) != 16 or not set(name) <= set("0123456789abcdef"):
        raise ManifestError(pointer, "does not hold an artifact's hash of 16 hex digits")
    if not (root / name).is_dir():
        raise MissingFileError(root / name, f"missing, but named by {pointer}")
    return root / name


def is_intact(folder: Path, manifest: Described) -> bool:
    """Whether a folder holds what the manifest says, file by file; how it came about may differ."""
    try:
        stands, wanted = json.loads((folder / MANIFEST).read_bytes()), json.loads(manifest.to_json())
        for name, entry in manifest.files.items():
            check_file(folder / name, entry)
    except (ArtifactError, OSError, ValueError):
        return False
    apart = dict.fromkeys(OUTSIDE)
    return isinstance(stands, dict) and stands | apart == wanted | apart


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
