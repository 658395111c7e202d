"""The label attention on a torch device: the equations of model/attention/label_attention.py. Needs the extra [torch].

Tokens and label vectors go in as arrays or as tensors that lie on the device already; what comes back are logits and
contributions. Everything is in float32, as in numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.attention.config import ATTENTIONS
from model.attention.label_attention import Attended, LabelAttention
from model.attention.weights import AttentionWeights
from model.encoder import Integers
from model.nested import Floats


class DeviceAttention(LabelAttention):
    """An opened label attention whose weights lie on a device. Reading is safe from many threads."""

    on_device = True

    def __init__(self, weights: AttentionWeights, device: str) -> None:
        super().__init__(weights)
        self._device = torch.device(device)
        self._there = {name: self._put(tensor) for name, tensor in weights.tensors.items()}

    @torch.inference_mode()
    def logits(
        self, tokens: Floats | Any, token_ids: Integers, labels: Floats | Any, codes: Sequence[str] | None = None
    ) -> Attended:
        """As LabelAttention.logits; tokens (T, >= D) and labels (L, >= D) are arrays or tensors."""
        if len(tokens) != len(token_ids):
            raise ValueError(f"{len(token_ids)} token ids for {len(tokens)} tokens")
        if codes is not None and len(codes) != len(labels):
            raise ValueError(f"{len(codes)} codes named for {len(labels)} labels")
        known = np.full(len(labels), -1, dtype=np.int64) if codes is None else self._weights.codes.ids(codes)
        bias = np.append(self._tensors["bias"], np.float32(0))[known]  # the place of -1
        constants = np.asarray(bias + self._tensors["scales"][3], dtype=np.float32)
        if len(tokens) == 0:
            return Attended(constants, np.zeros((len(labels), 0), dtype=np.float32), constants)
        contributions = self._contributions(self._cut(tokens), token_ids, self._cut(labels), known)
        logits = contributions.sum(1) + self._put(constants)
        return Attended(logits.cpu().numpy(), contributions.cpu().numpy(), constants)

    def _contributions(self, heard: Tensor, token_ids: Integers, asked: Tensor, known: Integers) -> Tensor:
        """Unit prefixes of tokens (T, D) and labels (L, D) -> (L, T)."""
        t = self._there
        scores = {
            "learned": lambda: self._learned_there(asked, heard),
            "static": lambda: self._put(self._static_scores(known, token_ids)),
            "differentiable": lambda: self._ranked_there(asked, heard),
        }
        mixed, total = (
            torch.zeros(len(asked), len(heard), device=self._device),
            torch.zeros(len(asked), device=self._device),
        )
        for place, name in enumerate(ATTENTIONS):
            if name in self.config.attentions:
                weights = _weights(scores[name](), self.config.k(name))  # (L, T)
                share = torch.where(weights.any(1), t["mix"][place].exp(), 0)
                mixed += share[:, None] * weights
                total += share
        mixed /= torch.where(total > 0, total, 1)[:, None]
        values = heard + heard @ t["value.down"] @ t["value.up"]
        return mixed * (t["scales"][2].exp() * (t["boost"] * asked) @ values.T)

    def _learned_there(self, asked: Tensor, heard: Tensor) -> Tensor:
        t = self._there
        return t["scales"][0].exp() * (asked + asked @ t["query.down"] @ t["query.up"]) @ heard.T

    def _static_scores(self, known: Integers, token_ids: Integers) -> Floats:
        """Sparse counts stay on the host: a row a known code, of the words that the note has."""
        found = np.full((len(known), len(token_ids)), -np.inf, dtype=np.float32)
        scale, size = np.exp(self._tensors["scales"][1]), len(self._weights.words)
        for row, code in enumerate(known.tolist()):
            if code >= 0:
                found[row] = scale * self._weights.static.scores(code, token_ids, size)
        return found

    def _ranked_there(self, asked: Tensor, heard: Tensor) -> Tensor:
        t = self._there
        codes, tokens = asked @ t["ranker.code"], heard @ t["ranker.token"]
        of_code = codes @ t["ranker.hidden_code"] + t["ranker.hidden_bias"]  # (L, h)
        of_token = tokens @ t["ranker.hidden_token"]  # (T, h)
        scores = codes @ tokens.T
        for unit in range(of_code.shape[1]):  # one (L, T) at a time, never (L, T, h)
            scores += t["ranker.out"][unit] * (of_code[:, unit, None] + of_token[None, :, unit]).relu()
        return scores

    def _cut(self, vectors: Floats | Tensor) -> Tensor:
        """The nested prefix that is read, unit rows; as model.nested.prefix."""
        cut = self._put(vectors)[:, : self.config.width].float()
        norms: Tensor = torch.linalg.vector_norm(cut, dim=1, keepdim=True)
        return cut / norms.clamp_min(1e-12)

    def _put(self, values: Floats | Tensor) -> Tensor:
        return values.to(self._device) if isinstance(values, Tensor) else torch.tensor(values, device=self._device)


def _weights(scores: Tensor, k: int | None) -> Tensor:
    """Softmax over the k largest scores of each row, exactly k; of equals the first stay; all zeros without any."""
    finite = torch.isfinite(scores)
    if k is not None and k < scores.shape[1]:
        best = torch.sort(scores, dim=1, descending=True, stable=True).indices[:, :k]
        finite = finite & torch.zeros_like(finite).scatter(1, best, value=True)
    kept = scores.masked_fill(~finite, -torch.inf)
    top = kept.amax(1, keepdim=True)
    weights = (kept - torch.where(torch.isfinite(top), top, 0)).exp()
    total = weights.sum(1, keepdim=True)
    return weights / torch.where(total > 0, total, 1)
