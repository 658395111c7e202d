"""What a learned prefix must beat: SVD and random features of the full vectors (Kusupati et al. 2022, section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.nested import Floats


@dataclass(frozen=True, slots=True)
class Axes:
    """A rotation fitted on some vectors: mean (D,), zero without centring, and components (D, D), best first."""

    mean: Floats
    components: Floats

    def __call__(self, vectors: Floats) -> Floats:
        """(N, D) -> (N, D): coordinates on the axes; the first d columns are the best d-dimensional picture."""
        return np.asarray((vectors - self.mean) @ self.components, dtype=np.float32)


def fit_svd(vectors: Floats, *, centred: bool = False) -> Axes:
    """The right singular vectors of (N, D), largest singular value first; centred, they are the principal axes.

    Without centring the first d coordinates keep inner products, and so the order of neighbours, as well as any
    linear map to d dimensions can. Raises ValueError without rows.
    """
    if not len(vectors):
        raise ValueError("axes cannot be fitted on no vectors")
    width = vectors.shape[1]
    mean = vectors.mean(axis=0, dtype=np.float64) if centred else np.zeros(width)
    moved = vectors - mean
    values, components = np.linalg.eigh(moved.T @ moved)  # ascending; D x D, since N may be large
    del values
    return Axes(mean.astype(np.float32), np.ascontiguousarray(components[:, ::-1], dtype=np.float32))


@dataclass(frozen=True, slots=True)
class RandomFeatures:
    """A random order of the dimensions, so that a prefix of d is a random choice of d features."""

    width: int
    seed: int = 0

    def __call__(self, vectors: Floats) -> Floats:
        """(N, D) -> (N, D), columns in the drawn order; the same for every call."""
        order = np.random.default_rng(self.seed).permutation(self.width)
        return np.ascontiguousarray(vectors[:, order])
