"""The label attention as it is trained. The equations stand in model/attention/label_attention.py, which serves it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from model.attention.config import ATTENTIONS, AttentionConfig
from model.attention.weights import AttentionWeights, shapes
from model.training.planting.mutual_information import WordsOfCodes
from model.training.planting.ranker import Ranker

START_SCALES = (3.0, 1.0, 2.3, -5.0)  # log temperature, log static scale, log gain, offset


class LowRank(nn.Module):
    """x + x down up; the identity at first."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(width, rank) * width**-0.5)
        self.up = nn.Parameter(torch.zeros(rank, width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, D) -> (N, D)."""
        return x + x @ self.down @ self.up


@dataclass(frozen=True, slots=True)
class Note:
    """What the attention reads: tokens (T, D) unit, labels (L, D) unit, static (L, T) relative mutual information or
    -inf, codes (L,) places among the seen codes or -1, real (T,) False for padding, or None for no padding."""

    tokens: Tensor
    labels: Tensor
    static: Tensor
    codes: Tensor
    real: Tensor | None = None


class PlantedAttention(nn.Module):
    """Parameters by the names of the file (model/attention/weights.py).

    counted: codes and words of the training notes; biased (C,): the codes that may have a bias of their own
    """

    biased: Tensor

    def __init__(self, config: AttentionConfig, counted: WordsOfCodes, biased: Tensor) -> None:
        super().__init__()
        self.config, self.counted = config, counted
        self.query = LowRank(config.width, config.map_rank)
        self.value = LowRank(config.width, config.map_rank)
        self.ranker = Ranker(config)
        self.boost = nn.Parameter(torch.ones(config.width))
        self.mix = nn.Parameter(torch.zeros(len(ATTENTIONS)))
        self.scales = nn.Parameter(torch.tensor(START_SCALES))
        self.bias = nn.Parameter(torch.zeros(len(counted.codes)))
        self.register_buffer("biased", biased)

    def forward(self, note: Note) -> Tensor:
        """(L,) logits."""
        return self.contributions(note).sum(-1) + self.constants(note.codes)

    def contributions(self, note: Note) -> Tensor:
        """(L, T) what each token adds to each label's logit."""
        values: Tensor = self.value(note.tokens)
        asked = torch.exp(self.scales[2]) * self.boost * note.labels
        return self.weights(note) * (asked @ values.T)

    def constants(self, codes: Tensor) -> Tensor:
        """(L,) offset and label-specific bias; the bias is zero for a code of -1 and for one seen seldom."""
        bias = torch.cat([self.bias * self.biased, self.bias.new_zeros(1)])
        return self.scales[3] + bias[codes]

    def weights(self, note: Note) -> Tensor:
        """(L, T) the mixture of the attentions; rows sum to 1, or to 0 where no attention has anything to say."""
        attended = {
            i: softmax(inattention(self.scores(name, note), self.config.k(name), note.real))
            for i, name in enumerate(ATTENTIONS)
            if name in self.config.attentions
        }
        speaks = torch.stack([weights.detach().any(-1) for weights in attended.values()])  # (attentions, L)
        mix = torch.exp(self.mix[list(attended)]).unsqueeze(-1) * speaks
        shares = mix / mix.sum(0).clamp(min=1e-30)
        mixed = [share.unsqueeze(-1) * weights for share, weights in zip(shares, attended.values(), strict=True)]
        return torch.stack(mixed).sum(0)

    def scores(self, attention: str, note: Note) -> Tensor:
        """(L, T) of one attention, before inattention."""
        if attention == "learned":
            queries: Tensor = torch.exp(self.scales[0]) * self.query(note.labels)
            return queries @ note.tokens.T
        if attention == "static":
            silent = torch.isneginf(note.static)  # -inf is filled in last: its gradient would not be a number
            return (torch.exp(self.scales[1]) * note.static.masked_fill(silent, 0.0)).masked_fill(silent, float("-inf"))
        ranked: Tensor = self.ranker(note.labels, note.tokens)
        return ranked

    def export(self, training: dict[str, Any]) -> AttentionWeights:
        """What is served."""
        state = {name: tensor.detach().cpu().numpy().astype(np.float32) for name, tensor in self.named_parameters()}
        state["bias"] = state["bias"] * self.biased.cpu().numpy()
        config = replace(self.config, training=training)
        return AttentionWeights(config, state, self.counted.table, self.counted.codes, self.counted.words)

    @classmethod
    def restore(cls, weights: AttentionWeights) -> PlantedAttention:
        """A served attention, to be trained on or compared."""
        counted = WordsOfCodes(weights.static, weights.codes, weights.words)
        module = cls(weights.config, counted, torch.from_numpy((weights.tensors["bias"] != 0).astype(np.float32)))
        wanted = shapes(weights.config, len(weights.codes))
        module.load_state_dict({name: torch.from_numpy(weights.tensors[name]) for name in wanted}, strict=False)
        return module


def inattention(scores: Tensor, k: int | None, real: Tensor | None = None) -> Tensor:
    """The k largest scores of each row, exactly k where so many are finite, the first of equals; -inf elsewhere."""
    if real is not None:
        scores = scores.masked_fill(~real, float("-inf"))
    if k is None or k >= scores.shape[-1]:
        return scores
    with torch.no_grad():
        least = scores.topk(k, dim=-1).values[..., -1:]
        above, level = scores > least, scores == least
        room = k - above.sum(-1, keepdim=True)
        kept = above | (level & (level.cumsum(-1) <= room))
    return scores.masked_fill(~kept, float("-inf"))


def softmax(scores: Tensor) -> Tensor:
    """softmax in float32; a row without a finite score is all zeros, and so is its gradient."""
    scores = scores.float()
    silent = torch.isneginf(scores).all(-1, keepdim=True)
    return torch.softmax(scores.masked_fill(silent, 0.0), dim=-1).masked_fill(silent, 0.0)
