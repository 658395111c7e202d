"""Code set + encoder -> a published index artifact. Killed or stopped, the next build goes on where it was."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import faiss
import numpy as np

from index_builder import golden
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import CodeSet, KnownInputs
from index_builder.embedding import (
    BATCH_CHARACTERS,
    FORM_ROWS,
    NO_PIECE,
    ChunkPool,
    PieceMeans,
    Progress,
    Wordings,
    collect_wordings,
    encode_pieces,
    form_vectors,
)
from index_builder.errors import ArtifactError, BuildLockedError, CodeSetError
from index_builder.index import CodeIndex
from index_builder.manifest import (
    CATALOG,
    FORMAT,
    FORMS,
    CodeSetEntry,
    Counts,
    Manifest,
    ModelEntry,
    read_manifest,
    search_file,
)
from index_builder.publish import current, describe, is_intact, publish, restate
from model.encoder import Encoder
from model.nested import WIDTH, prefix

WORK = ".work"


def _silent(_stage: str, _done: int, _total: int) -> None:
    return None


def build(
    code_set: CodeSet,
    encoder: Encoder,
    artifacts: Path,
    *,
    builder_version: str,
    prefixes: Sequence[int] = (64,),
    keep: int = WIDTH,
    progress: Progress = _silent,
    batch_characters: int = BATCH_CHARACTERS,
    reuse: bool = False,
    pool: ChunkPool | None = None,
) -> Path:
    """Build, publish and make current the index of a code set; returns the artifact's folder.

    `prefixes` are the dimensions of the stage-one indexes, `keep` how many dimensions of each form are stored
    (docs/decisions/0011). Encoded chunks are kept in a work folder beside the artifacts until the artifact is
    published. With `reuse` nothing is encoded where the current artifact turns out to hold the same wordings by the
    same model: only what it was made of is written down. A `pool` encodes in other processes, to the same bytes; it
    must have the same encoder. Raises ArtifactError; ValueError for a prefix outside
    1..keep or a keep outside 1..768.
    """
    if not 1 <= keep <= WIDTH:
        raise ValueError(f"keep {keep} must be within 1..{WIDTH}")
    if not prefixes or not all(1 <= d <= keep for d in prefixes):
        raise ValueError(f"prefixes {tuple(prefixes)} must be within 1..{keep}, at least one")
    root = artifacts / code_set.name
    root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        folder = emptied(root / WORK / "artifact")
        stages = tuple(sorted(set(prefixes)))
        inputs = code_set.inputs() if isinstance(code_set, KnownInputs) else None
        with closing(_write_catalog(code_set, folder / CATALOG, progress)) as catalog:
            if reuse and (kept := _restated(root, folder / CATALOG, _model_entry(encoder), stages, keep, inputs)):
                shutil.rmtree(folder)
                return kept
            wordings = collect_wordings(catalog)
            chunks = root / WORK / wordings.key(encoder, batch_characters)
            pieces = encode_pieces(encoder, wordings.pieces, chunks, progress, batch_characters, pool)
            write_vectors(encoder, wordings, pieces, folder, stages, keep, progress)
            counts = _counts(catalog, wordings, pieces)
            manifest = _describe(folder, catalog, encoder, counts, stages, keep, builder_version)
            manifest = replace(manifest, inputs=inputs)
        published = publish(folder, root, with_golden(folder, manifest, encoder, progress), code_set.edition)
        shutil.rmtree(root / WORK)
    return published


def write_vectors(
    encoder: Encoder,
    wordings: Wordings,
    pieces: PieceMeans,
    folder: Path,
    prefixes: Sequence[int],
    keep: int = WIDTH,
    progress: Progress = _silent,
) -> None:
    """Write the half-float matrix of all forms and, from its rounded rows, one flat index per prefix.

    A narrower matrix holds the first `keep` numbers of the full one's rows, bit for bit, not normalised again:
    readers do that, as for any prefix.
    """
    stores = {d: faiss.IndexFlatIP(d) for d in prefixes}
    total = len(wordings.of_form)
    with (folder / FORMS).open("wb") as stream:
        for start in range(0, total, FORM_ROWS):
            stop = min(start + FORM_ROWS, total)
            rows = form_vectors(encoder, wordings, pieces, start, stop).astype("<f2")
            stream.write(rows[:, :keep].tobytes())
            for dimensions, store in stores.items():
                store.add(prefix(rows, dimensions))
            progress("write", stop, total)
    for dimensions, store in stores.items():
        faiss.write_index(store, str(folder / search_file(dimensions)))


def _write_catalog(code_set: CodeSet, path: Path, progress: Progress) -> Catalog:
    progress("catalog", 0, 1)
    catalog = Catalog.write(code_set, path)
    progress("catalog", 1, 1)
    if catalog.code_count == 0 or (np.diff(catalog.offsets) < 1).any():
        raise CodeSetError(code_set.name, "has a code without a surface form, or no code at all")
    return catalog


def _restated(
    root: Path, catalog: Path, model: ModelEntry, prefixes: tuple[int, ...], keep: int, inputs: str | None
) -> Path | None:
    """The current artifact, now naming these inputs, if it has this very catalog, this model and these widths."""
    try:
        stands = read_manifest(folder := current(root))
    except ArtifactError:
        return None
    same = stands.files.get(CATALOG) == describe(catalog.parent, (CATALOG,))[CATALOG]
    if not same or (stands.model, stands.prefixes, stands.dimensions) != (model, prefixes, keep):
        return None
    if not is_intact(folder, stands):
        return None
    restate(folder, replace(stands, inputs=inputs))
    return folder


def _describe(
    folder: Path,
    catalog: Catalog,
    encoder: Encoder,
    counts: Counts,
    prefixes: tuple[int, ...],
    keep: int,
    builder_version: str,
) -> Manifest:
    return Manifest(
        format=FORMAT,
        code_set=CodeSetEntry(catalog.name, catalog.edition, catalog.system),
        model=_model_entry(encoder),
        dimensions=keep,
        prefixes=prefixes,
        counts=counts,
        builder=builder_version,
        files=describe(folder, (CATALOG, FORMS, *map(search_file, prefixes))),
        golden=(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _model_entry(encoder: Encoder) -> ModelEntry:
    info = encoder.info
    tokenizer = getattr(info, "tokenizer", None)  # not every encoder gives one; its version covers it
    return ModelEntry(info.name, info.version, info.width, info.encoding_unit, info.backend, tokenizer)


def _counts(catalog: Catalog, wordings: Wordings, pieces: PieceMeans) -> Counts:
    tokens = np.where(wordings.of_form == NO_PIECE, 0, pieces.counts[wordings.of_form])
    return Counts(
        codes=catalog.code_count,
        forms=catalog.form_count,
        pieces=len(wordings.pieces),
        form_tokens=int(tokens.sum()),
        piece_tokens=int(pieces.counts.sum()),
    )


def with_golden(folder: Path, manifest: Manifest, encoder: Encoder, progress: Progress = _silent) -> Manifest:
    """The manifest with the answers of a finished folder to the golden queries."""
    progress("golden", 0, len(golden.QUERIES))
    index = CodeIndex(folder, manifest)
    try:
        answers = golden.answer(index, encoder)
    finally:
        index.close()
    progress("golden", len(answers), len(golden.QUERIES))
    return replace(manifest, golden=answers)


def emptied(folder: Path) -> Path:
    """The folder, there and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the build lock of a code set; the system frees it with the process, however that ends."""
    path = root / ".lock"
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildLockedError(path, "another build of this code set is running") from None
        yield
