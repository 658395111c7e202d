"""Nested (Matryoshka) prefixes: the first d dimensions of a vector, L2-normalised again.

Kusupati et al. 2022, "Matryoshka Representation Learning", section 3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PREFIXES = (64, 128, 256, 768)
WIDTH = 768
# Of a cosine by which a code is rescored. Further ones differ from processor to processor, and a wording that stands in
# the note twice would be read here from one place and there from the other.
PLACES = 5


def normalise(vectors: Floats) -> Floats:
    """Scale each row of (N, D) to unit length; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def prefix(vectors: npt.NDArray[np.floating], dimensions: int) -> Floats:
    """The nested prefix of (N, D): (N, dimensions), float32, unit rows.

    Raises ValueError when `dimensions` is not within 1..D.
    """
    if not 1 <= dimensions <= vectors.shape[-1]:
        raise ValueError(f"prefix of {dimensions} dimensions out of vectors of {vectors.shape[-1]}")
    return normalise(np.ascontiguousarray(vectors[..., :dimensions], dtype=np.float32))
