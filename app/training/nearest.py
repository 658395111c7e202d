"""The index's nearest codes for each of many queries at once: for mining, not for answering."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.training.forms import FormVectors
from index_builder.index import CodeHits
from model.encoder import Encoder, embed
from model.nested import Floats, prefix

CHUNK = 64
FORMS = 400  # forms kept per query by the 64-d prefix before the full width ranks them


def nearest_codes(encoder: Encoder, index: FormVectors, queries: Sequence[str], count: int) -> list[CodeHits]:
    """For each query its `count` nearest codes at full width among the 400 nearest forms at 64-d, best first."""
    vectors = embed(encoder, queries)
    short, short_forms = prefix(vectors, 64), index.prefix_vectors(64)
    hits: list[CodeHits] = []
    for start in range(0, len(queries), CHUNK):
        similar = short[start : start + CHUNK] @ short_forms.T  # (chunk, F)
        kept = min(FORMS, similar.shape[1])
        best = np.argpartition(similar, -kept, axis=1)[:, -kept:]
        hits.extend(_ranked(index, vectors[start + row], forms, count) for row, forms in enumerate(best))
    return hits


def _ranked(index: FormVectors, query: Floats, forms: np.ndarray, count: int) -> CodeHits:
    scores = index.vectors(forms) @ query
    order = np.argsort(-scores, kind="stable")
    codes = index.owners(forms[order])
    _, first = np.unique(codes, return_index=True)
    kept = order[np.sort(first)][:count]
    zeros = np.zeros(len(kept), dtype=np.int64)
    return CodeHits(index.owners(forms[kept]), scores[kept].astype(np.float32), zeros, forms[kept].astype(np.int64))
