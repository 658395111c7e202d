"""One mention, many near codes: all but the best of them step back, so that other mentions get their place.

"Hypothyroidism" is near to a dozen codes, and a coder reports one. Each code loses CROWDING x log2(1 + n), n being the
number of better codes whose best clause is the same. The weight was chosen on CodiEsp dev: without it MAP .215 and
R@20 .334, with it .225 and .359; half and double the weight lose little (docs/decisions/0008).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from index_builder.index import CodeHits
from model.nested import Floats

CROWDING = 0.04  # of a final score without a calibration
CHOOSING = 0.02  # where codes are handed on; a learned last stage weighs crowding itself


def crowded(hits: CodeHits, bias: Floats | None = None, weight: float = CROWDING) -> CodeHits:
    """The hits with the crowding taken off their scores, best first; equal scores in the order of position.

    bias (k,) is added to the scores: what is known of the codes beside their cosine.
    """
    biased = hits if bias is None else replace(hits, scores=np.asarray(hits.scores + bias, dtype=np.float32))
    ranked = biased.top(len(biased))
    seen: Counter[int] = Counter()
    better = np.zeros(len(ranked), dtype=np.float32)
    for row, span in enumerate(ranked.spans.tolist()):
        better[row] = seen[span]
        seen[span] += 1
    scores = np.asarray(ranked.scores - weight * np.log2(1 + better), dtype=np.float32)
    return replace(ranked, scores=scores).top(len(ranked))


def in_crowded_order(hits: CodeHits, bias: Floats | None = None) -> CodeHits:
    """The hits as they are, in the order in which they are handed on."""
    row = {position: at for at, position in enumerate(hits.positions.tolist())}
    return hits.take(np.array([row[p] for p in crowded(hits, bias, CHOOSING).positions.tolist()], dtype=np.int64))
