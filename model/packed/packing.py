"""Windows laid end to end, as the unpadded encoders take them, and filled up to fixed shapes for recorded runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from model.encoder import Integers
from model.tokenization import Window

FILLER: Final = 128  # tokens of a sequence of padding at most: attention over it is not free


@dataclass(frozen=True, slots=True)
class Packed:
    """N sequences of T tokens in all. Sequences of no token may stand at the end.

    ids: (T,), positions: (T,) places within each sequence, starts: (N + 1,) where each begins, and T
    longest: no sequence has more tokens
    """

    ids: Integers
    positions: Integers
    starts: Integers
    longest: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tokens, sequences, longest: what a recorded run is recorded for."""
        return len(self.ids), len(self.starts) - 1, self.longest


def pack(windows: Sequence[Window], ids: Integers, first: int, last: int) -> Packed:
    """Each window of the flat `ids` between its two special tokens."""
    lengths = np.array([w.end - w.start + 2 for w in windows], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.full(int(starts[-1]), last, dtype=np.int64)
    flat[starts[:-1]] = first
    for window, start in zip(windows, starts.tolist(), strict=False):
        flat[start + 1 : start + 1 + window.end - window.start] = ids[window.start : window.end]
    positions = np.arange(len(flat)) - np.repeat(starts[:-1], lengths)
    return Packed(flat, positions, starts, int(lengths.max()))


def kept_rows(windows: Sequence[Window], packed: Packed) -> tuple[Integers, Integers]:
    """Rows of the packed tokens whose states are kept, and the flat tokens that they belong to, (k,) each."""
    sources = [
        np.arange(w.keep_start, w.keep_end) - w.start + start + 1
        for w, start in zip(windows, packed.starts.tolist(), strict=False)
    ]
    targets = [np.arange(w.keep_start, w.keep_end) for w in windows]
    return np.concatenate(sources), np.concatenate(targets)


def filled(packed: Packed, tokens: int) -> Packed:
    """The same, filled up to `tokens` with sequences of padding, which nothing attends to but themselves.

    Longest and the number of sequences go up to powers of two: batches share few shapes. Raises ValueError for more
    tokens than `tokens`.
    """
    missing = tokens - len(packed)
    if missing < 0:
        raise ValueError(f"{len(packed)} tokens do not fit {tokens}")
    longest = min(_power_of_two(packed.longest), tokens)
    piece = min(longest, FILLER)
    added = [piece] * (missing // piece) + ([missing % piece] if missing % piece else [])
    count = len(packed.starts) - 1 + len(added)
    empty = min(_power_of_two(count), tokens) - count
    ends = np.cumsum([len(packed), *added])[1:]
    return Packed(
        ids=np.concatenate([packed.ids, np.zeros(missing, dtype=np.int64)]),
        positions=np.concatenate([packed.positions, *map(np.arange, added)]).astype(np.int64),
        starts=np.concatenate([packed.starts, ends, np.full(empty, tokens)]).astype(np.int64),
        longest=longest,
    )


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()
