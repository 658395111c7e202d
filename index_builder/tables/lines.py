"""Lines as clinicians write them, of our own, with the words marked that mean a code (tables/lines/README.md).

The words are wordings of the index; words and lines are queries that teach the encoder what stands around such words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from index_builder.codesets.protocol import FormSource, SurfaceForm
from index_builder.marks import Mark, unmarked

LINES: Final = Path(__file__).with_name("lines")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class MarkedLine:
    """A line without its marks, and the marks."""

    text: str
    marks: tuple[Mark, ...]


def load_lines(folder: Path = LINES) -> list[MarkedLine]:
    """The lines of every .txt file, by file name; empty ones are left out.

    Raises ValueError for a line without a mark or with a broken one.
    """
    found = []
    for file in sorted(folder.glob("*.txt")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            text, marks = unmarked(line)
            if not marks or "[[" in text or "]]" in text:
                raise ValueError(f"{file} line {number}: expected words marked as [[words|CODE]]")
            found.append(MarkedLine(text, marks))
    return found


def line_wordings(lines: Sequence[MarkedLine], taken: Collection[str] = ()) -> Iterator[SurfaceForm]:
    """The marked words that mean one code wherever they stand, each once, in the order of the lines.

    One word alone is none: "urgency" and "warfarin" mean their codes in the line, not in every note.

    taken: case-folded wordings that another table has already given to a code
    """
    meant: dict[str, set[str]] = defaultdict(set)
    first: dict[str, str] = {}
    for line in lines:
        for mark in line.marks:
            words = line.text[mark.start : mark.end].strip()
            key = " ".join(words.casefold().split())
            meant[key].add(mark.code)
            first.setdefault(key, words)
    for key, words in first.items():
        if len(meant[key]) == 1 and key not in taken and _stands_alone(key):
            [code] = meant[key]
            yield SurfaceForm(code, words, FormSource.CLINICIAN)


def _stands_alone(key: str) -> bool:
    return sum(not word.isdigit() for word in _WORD.findall(key)) > 1
