"""Publishing a finished artifact folder: fsync, rename, then the `current` pointer. Readers see all of it or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from index_builder.errors import ArtifactError, ChangedFileError, ManifestError, MissingFileError, TruncatedFileError
from index_builder.manifest import MANIFEST, FileEntry, Manifest, read_manifest
from model.checkpoint import sha256_of

POINTER = "current"


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


def publish(finished: Path, root: Path, manifest: Manifest) -> Path:
    """Move a finished folder of the same file system to root/<content hash> and point `current` at it.

    An intact artifact of the same hash is kept as it is; a damaged one is replaced. Others are never touched.
    """
    _write_synced(finished / MANIFEST, manifest.to_json())
    for name in manifest.files:
        _sync(finished / name)
    _sync(finished)
    target = root / manifest.content_hash()
    if _is_intact(target):
        shutil.rmtree(finished)
    else:
        shutil.rmtree(target, ignore_errors=True)
        finished.rename(target)
    _sync(root)
    point(root, target.name)
    return target


def point(root: Path, content_hash: str) -> None:
    """Make root/current name this artifact, atomically."""
    temporary = root / f".{POINTER}"
    _write_synced(temporary, content_hash + "\n")
    temporary.replace(root / POINTER)
    _sync(root)


def current(root: Path) -> Path:
    """The artifact folder that root/current names. Raises MissingFileError or ManifestError."""
    pointer = root / POINTER
    try:
        name = pointer.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        raise MissingFileError(pointer, "missing: no index has been built here") from None
    if len(name) != 16 or not set(name) <= set("0123456789abcdef"):
        raise ManifestError(pointer, "does not hold an artifact's hash of 16 hex digits")
    if not (root / name).is_dir():
        raise MissingFileError(root / name, f"missing, but named by {pointer}")
    return root / name


def _is_intact(folder: Path) -> bool:
    try:
        for name, entry in read_manifest(folder).files.items():
            check_file(folder / name, entry)
    except ArtifactError:
        return False
    return True


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
