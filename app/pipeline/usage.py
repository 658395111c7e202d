"""How ordinary a code is in American practice, from 0, hardly ever reported, to 4, reported every day.

Many wordings fit the same words of a note: "mitral regurgitation" is nearly always I34.0 and may be congenital, Q23.3.
The tiers stand in lexicon/usage.json, by beginnings of codes; they were judged from general knowledge of coding, not
counted in a corpus (docs/decisions/0039).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache

import numpy as np

from app.pipeline.lexicon import read_lexicon
from model.nested import Floats

UNLISTED = 1  # ordinary, but seldom reported
LAST = "\uffff"  # after every character of a code


def tier(code_set: str, code: str) -> int:
    """The tier of the longest listed beginning of the code; UNLISTED where none is listed."""
    tiers = _tiers(code_set)
    return next((tiers[code[:end]] for end in range(len(code), 0, -1) if code[:end] in tiers), UNLISTED)


def tiers(code_set: str, codes: Sequence[str]) -> Floats:
    """The tiers of many codes (C,) float32, in their order: a search for each listed beginning, not for each code."""
    order = sorted(range(len(codes)), key=codes.__getitem__)
    names = [codes[at] for at in order]
    ranked = np.full(len(codes), UNLISTED, dtype=np.float32)
    for start, number in sorted(_tiers(code_set).items(), key=lambda row: len(row[0])):  # longer ones win
        ranked[bisect_left(names, start) : bisect_left(names, start + LAST)] = number
    found = np.empty_like(ranked)
    found[order] = ranked
    return found


@cache
def _tiers(code_set: str) -> dict[str, int]:
    rows = read_lexicon("usage").get(code_set, {})
    return {start: int(number) for number, starts in rows.items() for line in starts for start in line.split()}
