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

CROWDING = 0.04


def crowded(hits: CodeHits) -> CodeHits:
    """The hits with the crowding taken off their scores, best first; equal scores in the order of position."""
    ranked = hits.top(len(hits))
    seen: Counter[int] = Counter()
    better = np.zeros(len(ranked), dtype=np.float32)
    for row, span in enumerate(ranked.spans.tolist()):
        better[row] = seen[span]
        seen[span] += 1
    scores = np.asarray(ranked.scores - CROWDING * np.log2(1 + better), dtype=np.float32)
    return replace(ranked, scores=scores).top(len(ranked))
