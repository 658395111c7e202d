"""An encoder cut to a nested prefix, for indexes that store no more than that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.encoder import Encoder, ModelInfo, TokenStates
from model.nested import Floats


class PrefixEncoder:
    """As the encoder that it wraps, but `project` gives the first d dimensions only: (N, R) -> (N, d)."""

    def __init__(self, encoder: Encoder, dimensions: int) -> None:
        """Raises ValueError where the encoder has fewer dimensions."""
        if not 1 <= dimensions <= encoder.info.width:
            raise ValueError(f"prefix of {dimensions} dimensions of an encoder with {encoder.info.width}")
        self._encoder = encoder
        self._dimensions = dimensions

    @property
    def info(self) -> ModelInfo:
        """What the wrapped encoder is, width included: the model is the same."""
        return self._encoder.info

    def encode(self, texts: Sequence[str]) -> TokenStates:
        """States of the texts, as the wrapped encoder gives them."""
        return self._encoder.encode(texts)

    def project(self, states: Floats) -> Floats:
        """(N, R) -> (N, d), not normalised."""
        return np.ascontiguousarray(self._encoder.project(states)[:, : self._dimensions])


def cut(encoder: Encoder, dimensions: int) -> Encoder:
    """The encoder itself where it has that many dimensions, otherwise its prefix. Raises ValueError for more."""
    return encoder if dimensions == encoder.info.width else PrefixEncoder(encoder, dimensions)
