"""The learning-to-rank network: how much a token matters for a code, learned from mutual information.

f([e_code; e_token]) = c . z + out . relu([c; z] W + b), with c and z learned projections of the code's and the token's
vector. It reads vectors only, so it also ranks tokens for codes that no note had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from model.attention.config import AttentionConfig
from model.training.planting.lambdarank import lambda_loss, ndcg
from model.training.planting.mutual_information import WordsOfCodes
from model.training.planting.notes import TrainingNote

GRADES = 4  # mutual information of a list is cut into relevances 1..GRADES; 0 = not among the code's telling words


class Ranker(nn.Module):
    """Scores tokens for labels. Starts as the dot product of the nested prefixes, which is a ranking already."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        width, size, hidden = config.width, config.ranker_width, config.ranker_hidden
        start = torch.eye(width, size) * config.ranker_width**0.5
        self.code = nn.Parameter(start.clone())
        self.token = nn.Parameter(start.clone())
        self.hidden_code = nn.Parameter(torch.randn(size, hidden) * (2 * size) ** -0.5)
        self.hidden_token = nn.Parameter(torch.randn(size, hidden) * (2 * size) ** -0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.out = nn.Parameter(torch.randn(hidden) * hidden**-0.5)

    def forward(self, labels: Tensor, tokens: Tensor) -> Tensor:
        """labels (..., L, D), tokens (..., T, D) -> (..., L, T)."""
        c, z = labels @ self.code, tokens @ self.token
        of_code = c @ self.hidden_code + self.hidden_bias  # (..., L, h)
        of_token = z @ self.hidden_token  # (..., T, h)
        hidden = torch.relu(of_code.unsqueeze(-2) + of_token.unsqueeze(-3))  # (..., L, T, h)
        scores: Tensor = c @ z.transpose(-1, -2) + hidden @ self.out
        return scores


@dataclass(frozen=True, slots=True)
class RankingLists:
    """One list of words per code: labels (B, D), tokens (B, n, D), relevance (B, n), real (B, n) False for padding."""

    labels: Tensor
    tokens: Tensor
    relevance: Tensor
    real: Tensor

    def take(self, rows: Tensor) -> RankingLists:
        """Some of the lists."""
        return RankingLists(self.labels[rows], self.tokens[rows], self.relevance[rows], self.real[rows])


@dataclass(frozen=True, slots=True)
class RankerOptions:
    """How the network is trained. k: of nDCG@k; others: words of no relevance in each list."""

    epochs: int = 6
    batch: int = 32
    rate: float = 3e-3
    decay: float = 1e-2
    k: int = 10
    others: int = 40
    held_out: float = 0.1


def ranking_lists(
    notes: Sequence[TrainingNote], counted: WordsOfCodes, others: int, rng: np.random.Generator
) -> RankingLists:
    """A list per code that has telling words: those, graded by mutual information, and `others` other words.

    A word's vector is the mean of its tokens' in the notes; a code's that of its best wordings where it is gold.
    """
    words, named = _word_vectors(notes, counted), _code_vectors(notes, counted)
    chosen = [code for code in named if len(counted.of(code)[0])]
    size = max((len(counted.of(code)[0]) for code in chosen), default=0) + others
    ids = np.zeros((len(chosen), size), dtype=np.int64)
    relevance = np.zeros((len(chosen), size), dtype=np.float32)
    real = np.zeros((len(chosen), size), dtype=np.bool_)
    for row, code in enumerate(chosen):
        telling, values = counted.of(code)
        rest = np.setdiff1d(rng.integers(0, len(counted.words), size=others), telling)
        listed = rng.permutation(len(telling) + len(rest))  # equal scores rank by place: place must not tell
        ids[row, : len(listed)] = np.concatenate([telling, rest])[listed]
        relevance[row, : len(listed)] = np.concatenate([np.ceil(values * GRADES), np.zeros(len(rest))])[listed]
        real[row, : len(listed)] = True
    labels = torch.stack([named[code] for code in chosen]) if chosen else words.new_zeros(0, words.shape[1])
    return RankingLists(labels, words[torch.from_numpy(ids)], torch.from_numpy(relevance), torch.from_numpy(real))


def train_ranker(ranker: Ranker, lists: RankingLists, options: RankerOptions, seed: int) -> dict[str, float]:
    """Train by LambdaRank; codes held out give the nDCG@k before and after, which says whether it generalises."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(lists.labels), generator=generator)
    held = round(options.held_out * len(order))
    unseen, seen = lists.take(order[:held]), lists.take(order[held:])
    before = _quality(ranker, unseen, options.k)
    optimizer = torch.optim.AdamW(ranker.parameters(), lr=options.rate, weight_decay=options.decay)
    for _ in range(options.epochs):
        shuffled = torch.randperm(len(seen.labels), generator=generator)
        for rows in torch.split(shuffled, options.batch):
            batch = seen.take(rows)
            loss = lambda_loss(_scores(ranker, batch), batch.relevance, k=options.k, real=batch.real)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    after = _quality(ranker, unseen, options.k)
    return {
        "lists": float(len(order)),
        "ndcg_seen": _quality(ranker, seen, options.k),
        "ndcg_held_out_before": before,
        "ndcg_held_out": after,
    }


def _scores(ranker: Ranker, lists: RankingLists) -> Tensor:
    scores: Tensor = ranker(lists.labels.unsqueeze(1), lists.tokens).squeeze(1)
    return scores


@torch.no_grad()
def _quality(ranker: Ranker, lists: RankingLists, k: int) -> float:
    if not len(lists.labels):
        return float("nan")
    scores = _scores(ranker, lists).masked_fill(~lists.real, float("-inf"))
    return float(ndcg(scores, lists.relevance, k).mean())


def _word_vectors(notes: Sequence[TrainingNote], counted: WordsOfCodes) -> Tensor:
    """(V, D) unit."""
    width = notes[0].tokens.shape[1]
    sums = torch.zeros(len(counted.words) + 1, width)  # the last row takes the tokens of no word
    for note in notes:
        ids = torch.from_numpy(counted.words.ids(note.words)) % len(sums)
        sums.index_add_(0, ids, torch.from_numpy(note.tokens).float())
    return nn.functional.normalize(sums[:-1], dim=-1)


def _code_vectors(notes: Sequence[TrainingNote], counted: WordsOfCodes) -> dict[int, Tensor]:
    sums: dict[int, Tensor] = {}
    for note in notes:
        for place, code in enumerate(counted.codes.ids(note.codes).tolist()):
            if code >= 0 and note.codes[place] in note.gold:
                vector = torch.from_numpy(note.vectors[place]).float()
                sums[code] = sums.get(code, torch.zeros_like(vector)) + vector
    return {code: nn.functional.normalize(total, dim=-1) for code, total in sorted(sums.items())}
