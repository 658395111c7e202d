"""Which codes of a note the cross-entropy is taken over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.nested import Floats
from model.training.planting.notes import LabelPool, TrainingNote


@dataclass(frozen=True, slots=True)
class SampleSizes:
    """How many wrong codes stand beside a note's gold: candidates of the search, and codes at random."""

    shortlist: int = 32
    random: int = 8


@dataclass(frozen=True, slots=True)
class CodeSample:
    """codes, their vectors (L, D) and targets (L,): 1 for gold."""

    codes: tuple[str, ...]
    vectors: Floats
    targets: Floats


def sample_codes(note: TrainingNote, pool: LabelPool, sizes: SampleSizes, rng: np.random.Generator) -> CodeSample:
    """All gold codes that have a vector, those that the search missed too; wrong candidates; codes at random."""
    right = np.array([code in note.gold for code in note.codes], dtype=np.bool_)
    wrong = rng.permutation(np.flatnonzero(~right))[: sizes.shortlist]
    listed = np.concatenate([np.flatnonzero(right), wrong])
    drawn = rng.permutation(len(pool.codes))[: sizes.random]
    known = set(note.codes) | note.gold
    drawn = drawn[[pool.codes[at] not in known for at in drawn.tolist()]]
    codes = [note.codes[at] for at in listed.tolist()] + [pool.codes[at] for at in drawn.tolist()]
    vectors = np.concatenate([note.vectors[listed], pool.vectors[drawn]]).astype(np.float32)
    targets: npt.NDArray[np.float32] = np.zeros(len(codes), dtype=np.float32)
    targets[: int(right.sum())] = 1
    return CodeSample(tuple(codes), vectors, targets)
