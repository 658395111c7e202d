"""Catalog -> form vectors. Each unique wording is encoded once, in chunks that survive a kill."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from index_builder.catalog import Catalog
from index_builder.codesets.protocol import SurfaceForm
from model.encoder import Encoder, Integers
from model.nested import Floats, normalise

Progress = Callable[[str, int, int], None]
"""Stage, units done, units in all. The units of a stage are its own: characters while encoding, forms after it."""

BATCH_CHARACTERS = 65_536  # about 16,384 tokens of clinical English
FORM_ROWS = 8192
NO_PIECE = -1


def split_form(form: SurfaceForm) -> tuple[str, str]:
    """Head and extension of a form without the ", " that joins them; the extension may be empty."""
    if not form.extension:
        return form.text.strip(), ""
    return form.text[: form.extension].strip(", "), form.text[form.extension :].strip(", ")


@dataclass(frozen=True, slots=True)
class Wordings:
    """The unique pieces of all forms, by length, and which of them each form is made of.

    pieces:  (P,) texts
    of_form: (F, 2) int64, head and extension as rows of pieces; NO_PIECE where there is none
    """

    pieces: tuple[str, ...]
    of_form: Integers

    def key(self, encoder: Encoder, batch_characters: int) -> str:
        """Names the chunks of this encoding run: same key, same bytes."""
        info = encoder.info
        digest = hashlib.sha256(f"{info.version} {info.backend} {batch_characters}".encode())
        for piece in self.pieces:
            digest.update(b"\0" + piece.encode())
        return digest.hexdigest()[:16]


def collect_wordings(catalog: Catalog) -> Wordings:
    """Split every form of the catalog into its pieces and fold equal ones."""
    return fold_wordings(form for block in _form_blocks(catalog) for form in block)


def fold_wordings(forms: Iterable[SurfaceForm]) -> Wordings:
    """As `collect_wordings`, of any forms; rows of `of_form` are theirs."""
    splits = [split_form(form) for form in forms]
    pieces = tuple(sorted({piece for split in splits for piece in split if piece}, key=lambda p: (len(p), p)))
    rows = {piece: row for row, piece in enumerate(pieces)} | {"": NO_PIECE}
    return Wordings(pieces, np.array([(rows[h], rows[e]) for h, e in splits], dtype=np.int64).reshape(-1, 2))


def _form_blocks(catalog: Catalog) -> Iterator[list[SurfaceForm]]:
    for start in range(0, catalog.form_count, FORM_ROWS):
        yield catalog.forms(start, min(start + FORM_ROWS, catalog.form_count))


def chunk_bounds(pieces: Sequence[str], batch_characters: int) -> list[tuple[int, int]]:
    """Cut pieces, sorted by length, where a batch padded to its longest piece would pass the budget."""
    bounds: list[tuple[int, int]] = []
    start = 0
    for row, piece in enumerate(pieces):
        if row > start and (row + 1 - start) * len(piece) > batch_characters:
            bounds.append((start, row))
            start = row
    if pieces:
        bounds.append((start, len(pieces)))
    return bounds


@dataclass(frozen=True, slots=True)
class PieceMeans:
    """Mean token state of each piece (P, R), before projection, and its number of tokens (P,)."""

    means: Floats
    counts: Integers


@dataclass(frozen=True, slots=True)
class ChunkJob:
    """A chunk to be encoded: its number, its texts and the file that its states go to."""

    number: int
    texts: Sequence[str]
    path: Path


class ChunkPool(Protocol):
    """What encodes chunks elsewhere: `index_builder/processes.py`."""

    def run(self, jobs: Iterable[ChunkJob]) -> Iterator[int]:
        """Encode and write chunks; yields each one's number once its file is there."""
        ...


def encode_pieces(
    encoder: Encoder,
    pieces: Sequence[str],
    work: Path,
    progress: Progress,
    batch_characters: int = BATCH_CHARACTERS,
    pool: ChunkPool | None = None,
) -> PieceMeans:
    """Encode all pieces, one chunk after the other, or in a pool. Chunks found finished in `work` are read instead.

    Progress counts characters, which go with tokens and so with time; the first report is what was found finished.
    """
    work.mkdir(parents=True, exist_ok=True)
    bounds = chunk_bounds(pieces, batch_characters)
    finished = [_read_chunk(work / _chunk_name(i), end - start) for i, (start, end) in enumerate(bounds)]
    sizes = [sum(map(len, pieces[start:end])) for start, end in bounds]
    done, total = sum(s for s, f in zip(sizes, finished, strict=True) if f), sum(sizes)
    progress("encode", done, total)
    jobs = [
        ChunkJob(i, pieces[start:end], work / _chunk_name(i))
        for i, (start, end) in enumerate(bounds)
        if finished[i] is None
    ]
    if len(jobs) < 2:
        pool = None  # other processes take longer to start than a chunk takes
    for number in _in_turn(encoder, jobs) if pool is None else pool.run(jobs):
        done += sizes[number]
        progress("encode", done, total)
    for job in jobs:
        finished[job.number] = _read_chunk(job.path, len(job.texts))
    chunks = [chunk for chunk in finished if chunk is not None]
    if len(chunks) < len(bounds):
        raise OSError(f"{len(bounds) - len(chunks)} chunks in {work} were written and cannot be read")
    return PieceMeans(np.concatenate([c.means for c in chunks]), np.concatenate([c.counts for c in chunks]))


def _in_turn(encoder: Encoder, jobs: Iterable[ChunkJob]) -> Iterator[int]:
    for job in jobs:
        encode_chunk(encoder, job)
        yield job.number


def _chunk_name(number: int) -> str:
    return f"chunk-{number:05d}.npz"


def encode_chunk(encoder: Encoder, job: ChunkJob) -> None:
    """Encode a chunk and write it: the file is there as a whole or not at all."""
    states = encoder.encode(job.texts)
    temporary = job.path.with_suffix(".tmp")
    with temporary.open("wb") as stream:
        np.savez(stream, means=states.pool(), counts=states.counts())
    temporary.replace(job.path)


def _read_chunk(path: Path, expected: int) -> PieceMeans | None:
    """A finished chunk, or None where it is absent or damaged (zip members carry a CRC)."""
    try:
        with path.open("rb") as stream, np.load(stream) as stored:
            chunk = PieceMeans(stored["means"], stored["counts"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return chunk if len(chunk.means) == len(chunk.counts) == expected else None


def form_means(wordings: Wordings, pieces: PieceMeans, start: int, stop: int) -> Floats:
    """Mean token state of the forms start..stop over all tokens of head and extension, before projection: (n, R)."""
    rows = wordings.of_form[start:stop]
    weights = np.where(rows == NO_PIECE, 0, pieces.counts[rows]).astype(np.float32)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return np.asarray(pieces.means[rows[:, 0]] * weights[:, :1] + pieces.means[rows[:, 1]] * weights[:, 1:])


def form_vectors(encoder: Encoder, wordings: Wordings, pieces: PieceMeans, start: int, stop: int) -> Floats:
    """Unit vectors of the forms start..stop, (n, D): their mean token states, projected."""
    return normalise(encoder.project(form_means(wordings, pieces, start, stop)))
