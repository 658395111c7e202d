"""Label-aware attention (PLANT, arXiv 2410.23066) over one note and some labels, for serving: numpy, no torch.

With h_t the unit vector of a token, e_l that of a label (the code's wording), both cut to D dimensions:

    A_lt = exp(scales_0) (e_l + e_l Q) . h_t                learned: Q a low-rank map, zero at first, so e_l itself asks
    S_lt = exp(scales_1) MI(word of t, code l) / max MI     static: -inf for words and codes without counts
    P_lt = c_l . z_t + out . relu([c_l; z_t] W + b)         differentiable: a network trained to rank words by MI,
                                                            c_l and z_t learned projections of e_l and h_t
    a_lt = sum over attentions i of mix_i softmax_t(inattention(i_lt, k_i))
    contribution_lt = a_lt exp(scales_2) (boost * e_l) . (h_t + h_t V)
    logit_l = sum over t of contribution_lt + scales_3 + bias_l

The mixing weights are a softmax over the attentions that have something to say for a label; an unseen code has no
static one. The logit is a sum over tokens plus a constant: that sum is the evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from model.attention.config import ATTENTIONS, AttentionConfig
from model.attention.inattention import Mask, inattention, softmax
from model.attention.online import Doubles, online
from model.attention.weights import AttentionWeights
from model.encoder import Integers
from model.nested import Floats, prefix


@dataclass(frozen=True, slots=True)
class Attended:
    """logits = contributions summed over tokens + constants.

    logits:        (L,) float32
    contributions: (L, T) float32, what each token adds to each label's logit; negative where it speaks against it
    constants:     (L,) float32, offset and label-specific bias
    """

    logits: Floats
    contributions: Floats
    constants: Floats


class LabelAttention:
    """An opened label attention. Reading is safe from many threads; nothing is ever written.

    on_device: whether it reads tokens where the encoder left them (model/attention/device_attention.py)
    """

    on_device: ClassVar[bool] = False

    def __init__(self, weights: AttentionWeights) -> None:
        self._weights = weights
        self._tensors = weights.tensors

    @classmethod
    def open(cls, path: Path) -> LabelAttention:
        """Open a safetensors file. Raises CheckpointError that names the file and what is wrong with it."""
        return cls(AttentionWeights.open(path))

    @property
    def weights(self) -> AttentionWeights:
        """What its file holds."""
        return self._weights

    @property
    def config(self) -> AttentionConfig:
        """What it is made of, and the version of the encoder that it was trained with."""
        return self._weights.config

    def token_ids(self, words: Sequence[str]) -> Integers:
        """(T,) ids of the tokens' words (model.attention.vocabulary.token_words); -1 for unknown ones."""
        return self._weights.words.ids(words)

    def logits(
        self, tokens: Floats, token_ids: Integers, labels: Floats, codes: Sequence[str] | None = None
    ) -> Attended:
        """tokens (T, >= D) projected states, token_ids (T,), labels (L, >= D) -> logits and token contributions.

        codes: the labels' names, for their counts and biases; None treats all of them as never seen. A note without
        tokens gives the constants alone.
        """
        heard, asked = self._heard(tokens, token_ids), self._asked(labels, codes)
        shares, weights = self._mixing(asked, heard)
        mixed = sum((shares[i][:, None] * weight for i, weight in weights.items()), np.zeros((), dtype=np.float32))
        contributions = np.asarray(mixed * (asked.values @ heard.values.T), dtype=np.float32)
        logits = np.asarray(contributions.sum(axis=1) + asked.constants, dtype=np.float32)
        return Attended(logits, contributions, asked.constants)

    def all_logits(
        self,
        tokens: Floats,
        token_ids: Integers,
        labels: Floats,
        codes: Sequence[str] | None = None,
        *,
        block: int = 512,
    ) -> Floats:
        """As `logits`, (L,), for a whole label set (benchmarks): `block` labels at a time, contributions dropped."""
        found = [
            self.logits(tokens, token_ids, labels[rows], None if codes is None else codes[rows]).logits
            for rows in (slice(start, start + block) for start in range(0, len(labels), block))
        ]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)

    def reader(self, labels: Floats, codes: Sequence[str] | None = None) -> WindowReader:
        """A stateful decoder for these labels, fed window by window; see `logits` for the arguments."""
        return WindowReader(self, self._asked(labels, codes))

    def _asked(self, labels: Floats, codes: Sequence[str] | None) -> _Asked:
        if codes is not None and len(codes) != len(labels):
            raise ValueError(f"{len(codes)} codes named for {len(labels)} labels")
        tensors = self._tensors
        temperature, _, gain, offset = tensors["scales"]
        cut = prefix(labels, self.config.width)
        known = np.full(len(cut), -1, dtype=np.int64) if codes is None else self._weights.codes.ids(codes)
        bias = np.append(tensors["bias"], np.float32(0))[known]  # the place of -1
        return _Asked(
            queries=np.exp(temperature) * (cut + cut @ tensors["query.down"] @ tensors["query.up"]),
            ranked=cut @ tensors["ranker.code"],
            values=np.exp(gain) * tensors["boost"] * cut,
            codes=known,
            constants=np.asarray(bias + offset, dtype=np.float32),
        )

    def _heard(self, tokens: Floats, token_ids: Integers) -> _Heard:
        if len(tokens) != len(token_ids):
            raise ValueError(f"{len(token_ids)} token ids for {len(tokens)} tokens")
        tensors = self._tensors
        cut = prefix(tokens, self.config.width)
        values = cut + cut @ tensors["value.down"] @ tensors["value.up"]
        return _Heard(cut, cut @ tensors["ranker.token"], np.asarray(values, dtype=np.float32), token_ids)

    def _scores(self, asked: _Asked, heard: _Heard) -> Iterator[tuple[int, Floats]]:
        """The scores (L, T) of each attention, by its place in ATTENTIONS, before inattention."""
        for i, name in enumerate(ATTENTIONS):
            if name in self.config.attentions:
                yield i, getattr(self, f"_{name}")(asked, heard)

    def _learned(self, asked: _Asked, heard: _Heard) -> Floats:
        return asked.queries @ heard.vectors.T

    def _static(self, asked: _Asked, heard: _Heard) -> Floats:
        scores = np.full((len(asked.codes), len(heard.ids)), -np.inf, dtype=np.float32)
        size, table = len(self._weights.words), self._weights.static
        for row, code in enumerate(asked.codes.tolist()):
            if code >= 0:
                scores[row] = np.exp(self._tensors["scales"][1]) * table.scores(code, heard.ids, size)
        return scores

    def _differentiable(self, asked: _Asked, heard: _Heard) -> Floats:
        tensors = self._tensors
        of_code = asked.ranked @ tensors["ranker.hidden_code"] + tensors["ranker.hidden_bias"]  # (L, h)
        of_token = heard.ranked @ tensors["ranker.hidden_token"]  # (T, h)
        scores = asked.ranked @ heard.ranked.T
        for unit, out in enumerate(tensors["ranker.out"]):  # one (L, T) at a time, never (L, T, h)
            scores += out * np.maximum(of_code[:, unit, None] + of_token[None, :, unit], 0)
        return scores

    def _mixing(self, asked: _Asked, heard: _Heard) -> tuple[dict[int, Floats], dict[int, Floats]]:
        """By attention: its share for each label (L,), and its weights over the tokens (L, T)."""
        weights = {
            i: softmax(inattention(scores, self.config.k(ATTENTIONS[i]))) for i, scores in self._scores(asked, heard)
        }
        return self._shares({i: np.asarray(weight.any(axis=1)) for i, weight in weights.items()}), weights

    def _shares(self, speaks: dict[int, Mask]) -> dict[int, Floats]:
        """softmax of the mixing logits over the attentions that speak for a label, each (L,); 0 where none does."""
        raw = {i: np.where(said, np.exp(self._tensors["mix"][i]), np.float32(0)) for i, said in speaks.items()}
        total = np.add.reduce(list(raw.values()))
        return {i: np.asarray(share / np.where(total > 0, total, 1), dtype=np.float32) for i, share in raw.items()}


class WindowReader:
    """Reads a note window by window and keeps only a running state per label; never the tokens."""

    def __init__(self, attention: LabelAttention, asked: _Asked) -> None:
        self._attention, self._asked = attention, asked
        config = attention.config
        names = [(i, name) for i, name in enumerate(ATTENTIONS) if name in config.attentions]
        self._states = {i: online(len(asked.codes), config.k(name)) for i, name in names}

    def read(self, tokens: Floats, token_ids: Integers) -> None:
        """The next window, as in `LabelAttention.logits`."""
        heard = self._attention._heard(tokens, token_ids)
        values = self._asked.values @ heard.values.T
        for i, scores in self._attention._scores(self._asked, heard):
            self._states[i].read(scores, values)

    def logits(self) -> Floats:
        """(L,) of everything read so far: those of `LabelAttention.logits` over all windows laid end to end."""
        shares = self._attention._shares({i: state.attends() for i, state in self._states.items()})
        attended: list[Doubles] = [shares[i] * state.attended() for i, state in self._states.items()]
        return np.asarray(np.add.reduce(attended) + self._asked.constants, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The labels' side: queries (L, D), ranked (L, d), values (L, D), codes (L,) or -1, constants (L,)."""

    queries: Floats
    ranked: Floats
    values: Floats
    codes: Integers
    constants: Floats


@dataclass(frozen=True, slots=True)
class _Heard:
    """The tokens' side: vectors (T, D), ranked (T, d), values (T, D), ids (T,)."""

    vectors: Floats
    ranked: Floats
    values: Floats
    ids: Integers
