"""One coded note as the attention is trained on it: what the frozen encoder and the search said of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.nested import Floats

Halves = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class TrainingNote:
    """A note with its candidates and its gold codes.

    tokens:     (T, D) float16, unit prefixes of the projected token states, in the order of encoding
    words:      T stems, model.attention.vocabulary.token_words
    codes:      first the candidates of the search in its order, then gold codes that it missed
    vectors:    (codes, D) float16, each code's best wording for this note
    candidates: how many of the codes are candidates
    scores:     (candidates,) the linking score, with no attention in it
    gold:       every gold code, also those that the edition does not have
    """

    id: str
    tokens: Halves
    words: tuple[str, ...] = field(repr=False)
    codes: tuple[str, ...]
    vectors: Halves
    candidates: int
    scores: Floats
    gold: frozenset[str] = field(repr=False)

    def save(self, path: Path) -> None:
        """Write one uncompressed npz, atomically."""
        part = path.with_suffix(".part")
        with part.open("wb") as stream:
            np.savez(
                stream,
                tokens=self.tokens,
                words=_bytes(self.words),
                codes=_bytes(self.codes),
                vectors=self.vectors,
                scores=self.scores,
                gold=_bytes(sorted(self.gold)),
            )
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> TrainingNote:
        """Read it back; its id is the file's name."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                id=path.stem,
                tokens=file["tokens"],
                words=tuple(map(sys.intern, _names(file["words"]))),
                codes=tuple(map(sys.intern, _names(file["codes"]))),
                vectors=file["vectors"],
                candidates=len(file["scores"]),
                scores=file["scores"],
                gold=frozenset(_names(file["gold"])),
            )


@dataclass(frozen=True, slots=True)
class LabelPool:
    """Codes that random negatives are drawn from, and the vectors of their titles: vectors (n, D) float16."""

    codes: tuple[str, ...]
    vectors: Halves

    def save(self, path: Path) -> None:
        """Write one npz."""
        np.savez(path, codes=_bytes(self.codes), vectors=self.vectors)

    @classmethod
    def load(cls, path: Path) -> LabelPool:
        """Read it back."""
        with np.load(path, allow_pickle=False) as file:
            return cls(tuple(_names(file["codes"])), file["vectors"])


def _bytes(names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Names without line ends, a line each, the last one ended too: "" is a name."""
    return np.frombuffer("".join(f"{name}\n" for name in names).encode(), dtype=np.uint8)


def _names(array: npt.NDArray[np.uint8]) -> list[str]:
    return array.tobytes().decode().split("\n")[:-1]
