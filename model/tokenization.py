"""Texts to token ids with character offsets, and long texts to windows that fit an encoder's context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from model.encoder import Integers, TokenStates
from model.nested import Floats


@dataclass(frozen=True, slots=True)
class Tokenized:
    """Tokens of N texts laid end to end, without special tokens.

    ids: (T,), offsets: (T, 2) code points of each token's own text, rows: (N + 1,) boundaries
    """

    ids: Integers
    offsets: Integers
    rows: Integers


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch [start, end) of the flat tokens that is encoded in one go, and the part [keep_start, keep_end)
    of it whose states are kept: where windows overlap, each token is read where it has the most context."""

    start: int
    end: int
    keep_start: int
    keep_end: int


class TextTokenizer:
    """A fast tokenizer of a checkpoint. The ids of the two special tokens that frame every window are given."""

    def __init__(self, path: Path, *, first: int, last: int) -> None:
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.first, self.last = first, last
        self._leading_space = any(start == 1 for start, _ in self._offsets(["a a"])[0][1:])

    def tokenize(self, texts: Sequence[str]) -> Tokenized:
        """Token ids and offsets of every text. Offsets are half-open, in code points of the text as given.

        Byte-level tokenizers (ModernBERT's) count the space before a word to its token. Here a token begins at its
        word, so that the first word of a clause inside a window is found there. Tokens of space alone keep theirs.
        """
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        rows = np.zeros(len(encodings) + 1, dtype=np.int64)
        np.cumsum([len(e.ids) for e in encodings], out=rows[1:])
        ids = np.fromiter((i for e in encodings for i in e.ids), dtype=np.int64, count=int(rows[-1]))
        if self._leading_space:
            pairs = [_begun(text, *o) for text, e in zip(texts, encodings, strict=True) for o in e.offsets]
        else:
            pairs = [o for e in encodings for o in e.offsets]
        offsets = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        return Tokenized(ids, offsets, rows)

    def _offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [e.offsets for e in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def _begun(text: str, start: int, end: int) -> tuple[int, int]:
    """The token without the space before it."""
    bare = text[start:end].lstrip()
    return (end - len(bare), end) if bare else (start, end)


def windows(rows: Integers, room: int, overlap: int) -> list[Window]:
    """Cut every text's tokens into windows of at most `room` tokens that share `overlap` tokens.

    Each token is kept from exactly one window, so the kept parts cover all tokens once and in order.
    Raises ValueError unless 0 <= overlap < room.
    """
    if not 0 <= overlap < room:
        raise ValueError(f"overlap {overlap} must be at least 0 and below the window's room {room}")
    cut: list[Window] = []
    for start, end in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        cut.extend(_windows_of(start, end, room, overlap))
    return cut


def _windows_of(start: int, end: int, room: int, overlap: int) -> list[Window]:
    if end <= start:
        return []
    if end - start <= room:
        return [Window(start, end, start, end)]
    starts = list(range(start, end - overlap, room - overlap))
    bounds = [(s, min(s + room, end)) for s in starts]
    kept = [start, *((nxt[0] + cur[1]) // 2 for cur, nxt in zip(bounds, bounds[1:], strict=False)), end]
    return [Window(s, e, kept[i], kept[i + 1]) for i, (s, e) in enumerate(bounds)]


def token_budget_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Positions grouped by similar length into batches of at most `budget` tokens (at least one each)."""
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    batches: list[list[int]] = []
    used = budget + 1
    for position in order:
        if used + lengths[position] > budget:
            batches.append([])
            used = 0
        batches[-1].append(position)
        used += lengths[position]
    return batches


def encode_windows(
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    run: Callable[[Sequence[Window], Integers, Floats], None],
    *,
    max_tokens: int,
    width: int,
    budget: int,
) -> TokenStates:
    """States of the texts' tokens, in order. Long texts go through overlapping windows; nothing is cut.

    run(windows, ids, states) encodes windows of similar length, `budget` tokens at most, and writes the kept rows of
    `states` (T, width). max_tokens counts a window's two special tokens.
    """
    tokens = tokenizer.tokenize(texts)
    states = np.empty((len(tokens.ids), width), dtype=np.float32)
    for batch in window_batches(tokens.rows, max_tokens, budget):
        run(batch, tokens.ids, states)
    return TokenStates(states, tokens.offsets, tokens.rows)


def window_batches(rows: Integers, max_tokens: int, budget: int) -> list[list[Window]]:
    """The texts' windows, overlapping by a quarter, in batches of similar length; see `encode_windows`."""
    room = max_tokens - 2
    cut = windows(rows, room, overlap=room // 4)
    batches = token_budget_batches([w.end - w.start + 2 for w in cut], budget)
    return [[cut[i] for i in batch] for batch in batches]
