"""Where a note's token vectors come from while training: the cache of the frozen encoder, or the encoder itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from model.tokenization import TextTokenizer, Window, token_budget_batches, windows
from model.training.network import NestedEncoder
from model.training.planting.notes import TrainingNote


class TokenSource(Protocol):
    """Token vectors of a note, (T, D) unit."""

    def tokens(self, note: TrainingNote) -> Tensor:
        """In the order of the note's words."""
        ...


class CachedTokens:
    """The frozen encoder's tokens, as cached."""

    def tokens(self, note: TrainingNote) -> Tensor:
        """(T, D) float32."""
        return torch.from_numpy(note.tokens).float()


class EncodedTokens:
    """Encodes a note's clauses anew, with gradients, so that encoder layers can be trained.

    clauses: by note id the texts whose tokens, laid end to end, are the note's
    """

    def __init__(
        self,
        network: NestedEncoder,
        tokenizer: TextTokenizer,
        clauses: Mapping[str, Sequence[str]],
        *,
        width: int,
        max_tokens: int,
        budget: int = 4096,
    ) -> None:
        self._network, self._tokenizer, self._clauses = network, tokenizer, clauses
        self._width, self._max_tokens, self._budget = width, max_tokens, budget

    def tokens(self, note: TrainingNote) -> Tensor:
        """(T, D) float32. Raises ValueError when the clauses do not give as many tokens as the note has words."""
        cut = self._network.projection(self.states(self._clauses[note.id]))[:, : self._width]
        if len(cut) != len(note.words):
            raise ValueError(f"note {note.id} has {len(note.words)} tokens in the cache, {len(cut)} when encoded")
        return functional.normalize(cut, dim=-1)

    def states(self, texts: Sequence[str]) -> Tensor:
        """Unprojected states of the texts' tokens laid end to end, (T, R), by the windows that serving uses."""
        tokenized = self._tokenizer.tokenize(texts)
        ids = torch.from_numpy(tokenized.ids)
        room = self._max_tokens - 2
        cut = windows(tokenized.rows, room, overlap=room // 4)
        kept: dict[int, Tensor] = {}
        for batch in token_budget_batches([w.end - w.start + 2 for w in cut], self._budget):
            chosen = [cut[i] for i in batch]
            states = self._network.states(*self._frame(chosen, ids))
            for row, window in zip(states, chosen, strict=True):
                shift = 1 - window.start  # 1: the window's first special token
                kept[window.keep_start] = row[window.keep_start + shift : window.keep_end + shift]
        if not kept:
            return torch.zeros(0, self._network.projection.in_features)
        return torch.cat([kept[start] for start in sorted(kept)])

    def _frame(self, batch: Sequence[Window], ids: Tensor) -> tuple[Tensor, Tensor]:
        longest = max(w.end - w.start for w in batch) + 2
        padded = torch.zeros(len(batch), longest, dtype=torch.int64)
        mask = torch.zeros(len(batch), longest, dtype=torch.int64)
        for row, window in enumerate(batch):
            size = window.end - window.start
            padded[row, 0] = self._tokenizer.first
            padded[row, 1 : 1 + size] = ids[window.start : window.end]
            padded[row, 1 + size] = self._tokenizer.last
            mask[row, : size + 2] = 1
        return padded, mask
