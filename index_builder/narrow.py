"""A narrower artifact from a wider one: the first dimensions of every form, without encoding anything again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from index_builder.build import WORK, emptied, locked, with_golden
from index_builder.embedding import FORM_ROWS
from index_builder.manifest import CATALOG, FORMS, Manifest, read_manifest, search_file
from index_builder.publish import describe, publish
from model.encoder import Encoder


def narrow(source: Path, artifacts: Path, keep: int, encoder: Encoder, *, builder_version: str) -> Path:
    """Publish in `artifacts`, and make current there, what `build` with this `keep` would have made of the same model.

    source: an intact artifact folder, as `index_builder.loader` verifies it; encoder: the one that built it, for the
    golden queries. Stage-one indexes wider than `keep` are left out. Raises ArtifactError; ValueError where `keep` is
    wider than the source or narrower than all of its stage-one indexes.
    """
    manifest = read_manifest(source)
    prefixes = tuple(d for d in manifest.prefixes if d <= keep)
    if not prefixes or keep > manifest.dimensions:
        raise ValueError(f"keep {keep} must be within {min(manifest.prefixes)}..{manifest.dimensions}")
    root = artifacts / manifest.code_set.name
    root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        folder = emptied(root / WORK / "artifact")
        for name in (CATALOG, *map(search_file, prefixes)):
            shutil.copyfile(source / name, folder / name)
        _copy_forms(source / FORMS, folder / FORMS, manifest, keep)
        narrowed = replace(
            manifest,
            dimensions=keep,
            prefixes=prefixes,
            builder=builder_version,
            files=describe(folder, (CATALOG, FORMS, *map(search_file, prefixes))),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        published = publish(folder, root, with_golden(folder, narrowed, encoder), manifest.code_set.edition)
        shutil.rmtree(root / WORK)
    return published


def _copy_forms(source: Path, target: Path, manifest: Manifest, keep: int) -> None:
    forms = np.memmap(source, dtype="<f2", mode="r", shape=(manifest.counts.forms, manifest.dimensions))
    with target.open("wb") as stream:
        for start in range(0, len(forms), FORM_ROWS):
            stream.write(forms[start : start + FORM_ROWS, :keep].tobytes())
