"""Exact token contributions of a bi-encoder's score.

The vector of a stretch of text is the mean of its tokens' projected states p_t, scaled to unit length, so that its
cosine to a unit vector f is a sum over its n tokens:

    cos = sum over t of  p_t . f / (n |mean of p|)

Nothing is approximated: projection and mean are linear, and the length is that of the stretch, whatever f is.
"""

from __future__ import annotations

import numpy as np

from model.nested import Floats

_LEAST = 1e-12  # of a length; as in model/nested.py


def cosine_contributions(tokens: Floats, wordings: Floats) -> Floats:
    """What each token adds to the cosine of its stretch: (k, t) float32, each row sums to its cosine.

    tokens (t, D) projected, not normalised, those of one stretch; wordings (k, D) unit rows. No tokens give (k, 0).
    """
    if not len(tokens):
        return np.zeros((len(wordings), 0), dtype=np.float32)
    length = len(tokens) * max(float(np.linalg.norm(tokens.mean(axis=0, dtype=np.float32))), _LEAST)
    return np.asarray(wordings @ tokens.T / np.float32(length), dtype=np.float32)
