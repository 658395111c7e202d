"""Texts to pooled states: pieces are encoded in batches of similar length, each piece's own tokens are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.encoder import Integers
from model.tokenization import TextTokenizer, Tokenized, token_budget_batches
from model.training.network import NestedEncoder
from model.training.text import Inside, Text


@dataclass(frozen=True, slots=True)
class Frame:
    """Tokens [start, end) of the flat tokens: what the encoder reads in one row, framed by its special tokens."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens [start, end) of the flat tokens, pooled from row `frame` into text `owner`."""

    frame: int
    start: int
    end: int
    owner: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """Texts as bags of pieces. Pieces in one context share its frame, so that a sentence is encoded once."""

    tokens: Tokenized
    frames: tuple[Frame, ...]
    spans: tuple[Span, ...]
    texts: int


def split_pieces(tokenizer: TextTokenizer, texts: Sequence[Text], *, room: int) -> Pieces:
    """Tokenise texts; most have one piece. A frame holds `room` tokens at most.

    A piece encoded alone is cut there; of a longer context the stretch around the piece's words is taken.
    """
    flat = [(owner, piece) for owner, text in enumerate(texts) for piece in text]
    wordings = [piece.context if isinstance(piece, Inside) else piece for _, piece in flat]
    distinct = {wording: row for row, wording in enumerate(dict.fromkeys(wordings))}
    tokens = tokenizer.tokenize(list(distinct))
    frames: dict[Frame, int] = {}
    spans = []
    for (owner, piece), wording in zip(flat, wordings, strict=True):
        row = distinct[wording]
        begin, end = int(tokens.rows[row]), int(tokens.rows[row + 1])
        first, last = _places(tokens.offsets[begin:end], piece) if isinstance(piece, Inside) else (0, end - begin)
        last = min(last, first + room)
        # The stretch ends where the context ends, or leaves as much room after the words as before them.
        start = max(0, min(first - (room - (last - first)) // 2, end - begin - room))
        frame = Frame(begin + start, begin + min(start + room, end - begin))
        spans.append(Span(frames.setdefault(frame, len(frames)), begin + first, begin + last, owner))
    return Pieces(tokens, tuple(frames), tuple(spans), len(texts))


def _places(offsets: Integers, piece: Inside) -> tuple[int, int]:
    """The tokens that begin inside the piece, as serving finds them (app/pipeline/encoding.py)."""
    first, last = np.searchsorted(offsets[:, 0], (piece.start, piece.end)).tolist()
    return first, last


def encode_pieces(network: NestedEncoder, tokenizer: TextTokenizer, pieces: Pieces, *, budget: int = 4096) -> Tensor:
    """Unprojected mean state of every text over the tokens of its pieces, (N, R); zero for a text without tokens.

    Frames are sorted into batches of similar length: on a CPU half of a mixed batch would be padding.
    """
    of_frame: list[list[Span]] = [[] for _ in pieces.frames]
    for span in pieces.spans:
        of_frame[span.frame].append(span)
    sums: list[Tensor] = []
    order: list[Span] = []
    for batch in token_budget_batches([max(1, f.end - f.start) for f in pieces.frames], budget):
        ids, mask = _padded(tokenizer, pieces, batch)
        states = network.states(ids.to(network.device), mask.to(network.device))  # (B, L, R)
        spans = [(row, span) for row, number in enumerate(batch) for span in of_frame[number]]
        rows, weights = _weights(pieces, batch, spans, ids.shape[1])
        chosen = states if rows == list(range(len(batch))) else states[torch.tensor(rows, device=states.device)]
        sums.append((chosen * weights.to(states).unsqueeze(-1)).sum(dim=1))  # (S, R)
        order.extend(span for _, span in spans)
    flat = torch.cat(sums).float()
    owner = torch.tensor([span.owner for span in order], dtype=torch.int64, device=flat.device)
    counts = torch.tensor([span.end - span.start for span in order], dtype=torch.float32, device=flat.device)
    pooled = flat.new_zeros(pieces.texts, flat.shape[1]).index_add(0, owner, flat)
    total = flat.new_zeros(pieces.texts).index_add(0, owner, counts)
    return pooled / total.clamp(min=1.0).unsqueeze(-1)


def _padded(tokenizer: TextTokenizer, pieces: Pieces, batch: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Padded ids and attention mask with special tokens, (B, L) each."""
    frames = [pieces.frames[number] for number in batch]
    longest = max(f.end - f.start for f in frames) + 2
    ids = torch.zeros(len(frames), longest, dtype=torch.int64)
    mask = torch.zeros(len(frames), longest, dtype=torch.int64)
    for row, frame in enumerate(frames):
        size = frame.end - frame.start
        ids[row, 0] = tokenizer.first
        ids[row, 1 : 1 + size] = torch.from_numpy(pieces.tokens.ids[frame.start : frame.end])
        ids[row, 1 + size] = tokenizer.last
        mask[row, : 2 + size] = 1
    return ids, mask


def _weights(
    pieces: Pieces, batch: Sequence[int], spans: Sequence[tuple[int, Span]], longest: int
) -> tuple[list[int], Tensor]:
    """The row of each span, and 1 where a place of that row is one of its tokens, (S, L)."""
    weights = torch.zeros(len(spans), longest)
    for place, (row, span) in enumerate(spans):
        shift = 1 - pieces.frames[batch[row]].start
        weights[place, span.start + shift : span.end + shift] = 1
    return [row for row, _ in spans], weights
