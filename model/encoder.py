"""The encoder port: texts in, token states with character offsets out. Backends stand in their own modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from model.nested import Floats, normalise

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenStates:
    """The states of the real tokens (no special tokens, no padding) of N texts, laid end to end.

    states:  (T, R) float32, R = width of what the projection reads
    offsets: (T, 2) int64, half-open [start, end) of each token in code points of ITS text
    rows:    (N + 1,) int64, tokens rows[i]:rows[i + 1] belong to text i
    """

    states: Floats
    offsets: Integers
    rows: Integers

    def __len__(self) -> int:
        return len(self.rows) - 1

    def counts(self) -> Integers:
        """Tokens per text, (N,)."""
        return np.diff(self.rows)

    def pool(self) -> Floats:
        """Mean state of every text, (N, R); a text without tokens gives a zero row."""
        return pool(self.states, self.rows)

    def means(self, spans: Integers) -> Floats:
        """Mean state of the tokens [start, end) of each span, none of them empty: (N, 2) -> (N, R)."""
        means = [self.states[start:end].mean(axis=0, dtype=np.float32) for start, end in spans.tolist()]
        return np.stack(means) if means else np.zeros((0, self.states.shape[1]), dtype=np.float32)

    def of(self, text: int) -> tuple[Floats, Integers]:
        """States (t, R) and offsets (t, 2) of one text."""
        start, end = int(self.rows[text]), int(self.rows[text + 1])
        return self.states[start:end], self.offsets[start:end]


def pool(states: Floats, rows: Integers) -> Floats:
    """Mean of states[rows[i]:rows[i + 1]] for each i: (N, R) float32; empty ranges give zero rows."""
    counts = np.diff(rows)
    pooled = np.zeros((len(counts), states.shape[1]), dtype=np.float32)
    filled = counts > 0
    if filled.any():
        pooled[filled] = np.add.reduceat(states, rows[:-1][filled], axis=0) / counts[filled, None]
    return pooled


@runtime_checkable
class StatesOnDevice(Protocol):
    """Token states that stay where they were computed; their `states` is a copy, made when it is asked for."""

    def projected(self, rows: Integers, dimensions: int) -> Any:
        """Vectors of these tokens (n, dimensions), not normalised, as a tensor on the device."""
        ...

    def fetched(self, rows: Integers, dimensions: int) -> Floats:
        """The same on the host."""
        ...


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What an encoder is, as named in manifests and answers.

    version is the content hash of the checkpoint; encoding_unit is "clause" or "window".
    """

    name: str
    version: str
    width: int
    max_tokens: int
    encoding_unit: str
    backend: str


class Encoder(Protocol):
    """One port, several backends. Projection is linear, so pooling before or after it gives the same vector."""

    @property
    def info(self) -> ModelInfo:
        """What this encoder is."""
        ...

    def encode(self, texts: Sequence[str]) -> TokenStates:
        """States of the texts, in their order. The states of a text do not depend on what shares the call."""
        ...

    def project(self, states: Floats) -> Floats:
        """(N, R) -> (N, 768), not normalised."""
        ...


def embed(encoder: Encoder, texts: Sequence[str]) -> Floats:
    """One unit vector per text, (N, 768) float32."""
    return normalise(encoder.project(encoder.encode(texts).pool()))
