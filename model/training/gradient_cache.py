"""Gradient caching (Gao et al. 2021, GradCache): large contrastive batches in the memory of small ones, exactly.

The loss needs the vectors of all texts at once, but not their graphs. So the vectors are computed in chunks without
graphs, the loss gives the gradient of each vector, and every chunk is computed again with its graph to carry that
gradient on to the weights. The result is the gradient of the whole batch, for one more forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.training.text import Text

Embed = Callable[[Sequence[Text]], Tensor]


class CachedVectors:
    """The vectors of texts as a leaf of their own graph; `backward` carries the leaf's gradient to the weights."""

    def __init__(self, embed: Embed, texts: Sequence[Text], chunk: int) -> None:
        """embed: texts -> (N, D). chunk: texts per pass; 0, or as many as there are, keeps the one graph instead."""
        self._embed = embed
        self._graph: Tensor | None = None
        self._chunks: list[_Chunk] = []
        if not chunk or len(texts) <= chunk:
            self._graph = embed(texts)
            self.leaf = self._graph.detach().requires_grad_()
            return
        parts = []
        for start in range(0, len(texts), chunk):
            self._chunks.append(_Chunk(texts[start : start + chunk], _RandomState.now()))
            with torch.no_grad():
                parts.append(embed(texts[start : start + chunk]))
        self.leaf = torch.cat(parts).requires_grad_()

    def backward(self) -> None:
        """Add to the weights' gradients what the leaf's gradient says. The loss's backward must have run before."""
        gradient = self.leaf.grad
        if gradient is None:
            raise RuntimeError("the vectors have no gradient: run the loss's backward first")
        if self._graph is not None:
            self._graph.backward(gradient)  # type: ignore[no-untyped-call]
            return
        start = 0
        for chunk in self._chunks:
            with chunk.random.replayed():
                vectors = self._embed(chunk.texts)
            vectors.backward(gradient[start : start + len(chunk.texts)])  # type: ignore[no-untyped-call]
            start += len(chunk.texts)


@dataclass(frozen=True, slots=True)
class _RandomState:
    """The random state before a pass, so that dropout falls alike in the second one."""

    cpu: Tensor
    devices: tuple[Tensor, ...]

    @classmethod
    def now(cls) -> _RandomState:
        return cls(torch.get_rng_state(), tuple(torch.cuda.get_rng_state_all()) if torch.cuda.is_available() else ())

    def replayed(self) -> _Replay:
        return _Replay(self)


class _Replay:
    """While it lasts the random state is the recorded one; afterwards what it was before."""

    def __init__(self, state: _RandomState) -> None:
        self._state, self._before = state, _RandomState.now()

    def __enter__(self) -> None:
        _set(self._state)

    def __exit__(self, *_: object) -> None:
        _set(self._before)


@dataclass(frozen=True, slots=True)
class _Chunk:
    texts: Sequence[Text]
    random: _RandomState


def _set(state: _RandomState) -> None:
    torch.set_rng_state(state.cpu)
    if state.devices:
        torch.cuda.set_rng_state_all(list(state.devices))
