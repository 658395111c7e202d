"""Marks in a text that we wrote: [[words|CODE]] where a coder would point at words, [[words|CODE+CODE]] for several."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARK = re.compile(r"\[\[([^\[\]|\n]+)\|([^\[\]|\n]+)\]\]")


@dataclass(frozen=True, slots=True)
class Mark:
    """Words of a text and one code that they support: [start, end) in code points of the text without its marks.

    optional: a question mark stood before the code, which may be reported and need not be
    """

    code: str
    start: int
    end: int
    optional: bool


def unmarked(text: str) -> tuple[str, tuple[Mark, ...]]:
    """The text without its marks, and where they were."""
    parts: list[str] = []
    marks: list[Mark] = []
    length = after = 0
    for match in _MARK.finditer(text):
        plain, words = text[after : match.start()], match[1]
        start = length + len(plain)
        length, after = start + len(words), match.end()
        parts += [plain, words]
        for code in match[2].split("+"):
            marks.append(Mark(code.strip().removeprefix("?"), start, length, code.strip().startswith("?")))
    return "".join([*parts, text[after:]]), tuple(marks)
