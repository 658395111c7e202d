"""Opening an artifact: every byte is checked before anything is read from it, then golden queries are asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from index_builder import golden
from index_builder.errors import ChangedFileError, ManifestError, ModelMismatchError
from index_builder.index import CodeIndex
from index_builder.manifest import CATALOG, FORMS, MANIFEST, FileEntry, Manifest, read_manifest, search_file
from index_builder.publish import check_file, folder_of
from index_builder.searching.opening import DEFAULT
from model.encoder import Encoder

Report = Callable[[str], None]
"""Told in one sentence what has just been checked."""
Check = Callable[[Path, FileEntry], None]
"""Compares a file with its entry, as `publish.check_file`."""


def _silent(_: str) -> None:
    return None


def load(
    artifacts: Path,
    code_set: str,
    encoder: Encoder | None,
    *,
    edition: str | None = None,
    report: Report = _silent,
    search: str = DEFAULT,
) -> CodeIndex:
    """The current index of a code set, or that of an edition, verified. search: one of `searching.opening.SEARCHES`.

    Raises an ArtifactError that names the file and what is wrong; BackendError for a search that cannot run here.
    """
    folder = folder_of(artifacts, code_set, edition=edition)
    report(f"{'current' if edition is None else edition} is {folder.name}")
    return load_folder(folder, encoder, report=report, search=search)


def load_folder(
    folder: Path,
    encoder: Encoder | None,
    *,
    report: Report = _silent,
    search: str = DEFAULT,
    check: Check = check_file,
) -> CodeIndex:
    """One artifact folder, verified: manifest, model version, sizes and SHA-256 of all files, then counts,
    dimensions and golden queries. Without an encoder its version and the golden queries are not checked.
    check: compares a file with its entry; index_builder/checking.py begins with that earlier.

    Raises an ArtifactError that names the file and what is wrong; BackendError for a search that cannot run here. The
    SHA-256 comes before faiss reads a byte: faiss loads a bit-flipped file without an error.
    """
    manifest = _checked_manifest(folder)
    report(f"{MANIFEST}: content hash and {len(manifest.files)} files listed")
    if encoder is not None:
        _check_model(folder / MANIFEST, manifest, encoder)
        report(f"model version {manifest.model.version}")
    for name, entry in sorted(manifest.files.items()):
        check(folder / name, entry)
        report(f"{name}: {entry.size} bytes, sha256 {entry.sha256[:12]}…")
    index = CodeIndex(folder, manifest, search)
    report(f"{manifest.counts.codes} codes, {manifest.counts.forms} forms x {manifest.dimensions} in every file")
    if encoder is not None:
        _ask_golden(index, encoder, folder / MANIFEST)
        report(f"{len(manifest.golden)} golden queries answered as at build time")
    return index


def _checked_manifest(folder: Path) -> Manifest:
    manifest, path = read_manifest(folder), folder / MANIFEST
    if manifest.content_hash() != folder.name:
        raise ChangedFileError(path, f"changed: content hash {manifest.content_hash()} in folder {folder.name}")
    needed = {CATALOG, FORMS, *(search_file(d) for d in manifest.prefixes)}
    if set(manifest.files) != needed or not manifest.prefixes:
        raise ManifestError(path, f"lists {sorted(manifest.files)}, expected {sorted(needed)}")
    if not max(manifest.prefixes) <= manifest.dimensions <= manifest.model.width:
        stored = f"dimensions {manifest.dimensions}"
        raise ManifestError(path, f"{stored} outside {max(manifest.prefixes)}..{manifest.model.width}")
    return manifest


def _check_model(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    built, asking = manifest.model, encoder.info
    if built.version != asking.version:
        raise ModelMismatchError(
            path, f"built by model {built.name} {built.version}, but the encoder is {asking.name} {asking.version}"
        )


def _ask_golden(index: CodeIndex, encoder: Encoder, path: Path) -> None:
    try:
        golden.check(index, encoder, path)
        index.release()  # they read from all over the matrix
    except BaseException:
        index.close()
        raise
