"""Which sides of the body a stretch of a note names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("data") / "sides.json"
BOTH = frozenset({"right", "left"})


@dataclass(frozen=True, slots=True)
class SideWords:
    """Patterns for what stands in data/sides.json."""

    sides: tuple[tuple[re.Pattern[str], frozenset[str]], ...]
    nothing: re.Pattern[str]


@cache
def side_words() -> SideWords:
    """The word lists of data/sides.json."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    meant = {"right": frozenset({"right"}), "left": frozenset({"left"}), "both": BOTH}
    patterns = [(_pattern(word), sides) for name, sides in meant.items() for word in raw[name]]
    for letter, side in raw["letters"].items():
        patterns.append((re.compile(rf"(?<![\d.][ ])(?<![\w'./-]){letter}\.? (?=[a-z]{{3}})"), meant[side]))
    return SideWords(tuple(patterns), re.compile("|".join(map(re.escape, raw["not_sides"])), re.IGNORECASE))


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/]){re.escape(word)}(?![\w/])", 0 if word.isupper() else re.IGNORECASE)


def sides_in(text: str) -> frozenset[str]:
    """ "right", "left", both of them or neither."""
    known = side_words()
    rest = known.nothing.sub(" ", text)
    return frozenset[str]().union(*(sides for pattern, sides in known.sides if pattern.search(rest)))
