"""The encoder as it is trained: any Hugging Face encoder, the layers it reads, the projection to 768."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel

from model.checkpoint import Checkpoint
from model.nested import WIDTH
from model.tokenization import TextTokenizer, Tokenized, token_budget_batches


@dataclass(frozen=True, slots=True)
class Reading:
    """Which hidden states the projection reads, counted as Hugging Face does (0 = embeddings, -1 = last)."""

    layers: tuple[int, ...]
    max_tokens: int


class NestedEncoder(nn.Module):
    """Token states from several layers side by side, mean over a text's real tokens, linear projection to 768.

    Two layers are read because a linear map of one 384-wide state to 768 dimensions has rank 384 only.
    """

    def __init__(self, backbone: nn.Module, layers: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.layers = tuple(layers)
        hidden = int(backbone.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.projection = nn.Linear(hidden * len(self.layers), WIDTH, bias=False)
        nn.init.orthogonal_(self.projection.weight)

    @classmethod
    def open(cls, source: str | Path, layers: Sequence[int], *, dropout: float = 0.0) -> NestedEncoder:
        """Open any Hugging Face encoder by hub id or folder, in fp32, with this dropout everywhere."""
        options: dict[str, Any] = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        backbone = AutoModel.from_pretrained(source, dtype=torch.float32, **options)
        if getattr(backbone, "pooler", None) is not None:
            backbone.pooler = None  # never read: without it no unused weight is trained or shipped
        return cls(backbone, layers)

    @classmethod
    def resume(cls, checkpoint: Checkpoint) -> NestedEncoder:
        """A trained checkpoint, projection included, to be trained on."""
        network = cls.open(checkpoint.path, checkpoint.layers)
        with torch.no_grad():
            network.projection.weight.copy_(torch.from_numpy(checkpoint.projection()))
        return network

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids, mask (B, L) -> states of the read layers side by side, (B, L, R)."""
        out = self.backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        return torch.cat([out.hidden_states[layer] for layer in self.layers], dim=-1)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Texts as bags of pieces that are encoded apart and pooled together: piece i belongs to text owner[i]."""

    tokens: Tokenized
    owner: Tensor  # (P,) int64
    texts: int


def split_pieces(tokenizer: TextTokenizer, texts: Sequence[Sequence[str]]) -> Pieces:
    """Tokenise texts given as pieces; most have one piece."""
    flat = [piece for text in texts for piece in text]
    owner = torch.tensor([i for i, text in enumerate(texts) for _ in text], dtype=torch.int64)
    return Pieces(tokenizer.tokenize(flat), owner, len(texts))


def encode_pieces(
    network: NestedEncoder, tokenizer: TextTokenizer, pieces: Pieces, *, room: int, budget: int = 4096
) -> Tensor:
    """Unprojected mean state of every text, (N, R).

    Sorted into batches of similar length: on a CPU half of a mixed batch would be padding.
    """
    rows = pieces.tokens.rows
    lengths = [max(1, min(int(n), room)) for n in (rows[1:] - rows[:-1])]
    sums: list[Tensor] = []
    order: list[int] = []
    for batch in token_budget_batches(lengths, budget):
        ids, mask, real = _frame(tokenizer, pieces.tokens, batch, lengths)
        states = network.states(ids, mask)
        sums.append((states * real.unsqueeze(-1)).sum(dim=1))  # (B, R)
        order.extend(batch)
    counts = torch.tensor([lengths[i] for i in order], dtype=torch.float32)
    owner = pieces.owner[torch.tensor(order, dtype=torch.int64)]
    flat = torch.cat(sums)
    pooled = flat.new_zeros(pieces.texts, flat.shape[1]).index_add(0, owner, flat)
    total = counts.new_zeros(pieces.texts).index_add(0, owner, counts)
    return pooled / total.clamp(min=1.0).unsqueeze(-1)


def _frame(
    tokenizer: TextTokenizer, tokens: Tokenized, batch: Sequence[int], lengths: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Padded ids and attention mask with special tokens, and the mask of real tokens; each (B, L)."""
    longest = max(lengths[i] for i in batch) + 2
    ids = torch.zeros(len(batch), longest, dtype=torch.int64)
    mask = torch.zeros(len(batch), longest, dtype=torch.int64)
    real = torch.zeros(len(batch), longest)
    for row, i in enumerate(batch):
        start, n = int(tokens.rows[i]), lengths[i]
        piece = torch.from_numpy(tokens.ids[start : min(start + n, int(tokens.rows[i + 1]))])
        ids[row, 0] = tokenizer.first
        ids[row, 1 : 1 + len(piece)] = piece
        ids[row, 1 + len(piece)] = tokenizer.last
        mask[row, : 2 + len(piece)] = 1
        real[row, 1 : 1 + len(piece)] = 1
    return ids, mask, real
