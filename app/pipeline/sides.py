"""Left, right, both: what a code's title asks for and what the words around a finding say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.pipeline.lexicon import read_lexicon

LEFT, RIGHT = 1, 2
BOTH = LEFT | RIGHT
_LEXICON = read_lexicon("sides")
_BITS = {"left": LEFT, "right": RIGHT, "both": BOTH}
# A letter alone is a side unless a number or a hyphen follows: "L knee", not "L 4" or "L-spine".
_SAID = re.compile(
    "|".join(
        rf"(?P<{name}>(?<![\w/-])(?:{'|'.join(words)})(?![\w/]|-?\s?\d|-spine))" for name, words in _LEXICON.items()
    ),
    re.IGNORECASE,
)


def sides(text: str) -> int:
    """The sides that a text names: 0, LEFT, RIGHT or BOTH."""
    found = 0
    for match in _SAID.finditer(text):
        found |= _BITS[match.lastgroup or ""]
    return found


def agreement(asked: int, said: Iterable[int]) -> float:
    """How a code's side fits what is said, nearest words first: 1 as asked, .5 within both, -1 another side.

    -.5 where no words name a side and the code has one, or the reverse; 0 where neither has.
    """
    heard = next((side for side in said if side), 0)
    if asked == heard:
        return 1.0 if asked else 0.0
    if not asked or not heard:
        return -0.5
    return 0.5 if asked & heard else -1.0
