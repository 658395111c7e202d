"""Offsets in UTF-16 code units, as JavaScript and Java count, from offsets in Unicode code points."""

from __future__ import annotations

import re
from bisect import bisect_left

_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")


class Utf16Offsets:
    """Converts offsets of one text.

    >>> Utf16Offsets("a😀b").convert(2)
    3
    """

    def __init__(self, text: str) -> None:
        self._pairs = [match.start() for match in _TWO_UNITS.finditer(text)]

    def convert(self, offset: int) -> int:
        """UTF-16 code units before a code point offset."""
        return offset + bisect_left(self._pairs, offset)
