"""References to other codes, as the notes of the tabular list write them: (J12.1), (C46.5-), (E08-E13 with .44)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_CODE = r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?"
_REFERENCE = re.compile(rf"\b({_CODE})(?:\.?-\s*({_CODE}))?(?:\.?-)?(?![0-9A-Za-z])")
_ENDING = re.compile(r"\bwith\b[^.,;]*\.([0-9A-Z]{1,4})")
_INTENT = re.compile(r"fifth or sixth character ([0-9])(?:-([0-9]))?")
_NAMED = re.compile(
    rf"\bcategor(?:y|ies)\s+({_CODE}(?:\s+or\s+{_CODE})?)|\bcodes?(?:\(s\))?\s+from\s+({_CODE}[^,;:]*?)\s+to\s+[a-z]"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A code or a range of codes, with all that begin with them.

    ending: only those with this ending after the dot, if any
    intent: only those whose fifth or sixth character is one of these, if any (5 is an adverse effect)
    """

    first: str
    last: str
    ending: str = ""
    intent: str = ""

    def covers(self, code: str) -> bool:
        """Whether a code is meant."""
        if not self.first <= code <= self.last + "\uffff":
            return False
        if self.ending and not code[3:].startswith(f".{self.ending}"):
            return False
        return not self.intent or code[5:7].rstrip("X")[-1:] in tuple(self.intent)

    def resolve(self, names: Sequence[str]) -> list[str]:
        """The codes meant, of sorted names."""
        found = names[bisect_left(names, self.first) : bisect_right(names, self.last + "\uffff")]
        return [name for name in found if self.covers(name)] if self.ending or self.intent else list(found)


def references(note: str) -> list[Reference]:
    """The code references in the brackets of a note: (J12.1), (C46.5-), (E13.-), (E00-E02), (E08-E13 with .44)."""
    return [reference for inner in _BRACKETS.findall(note) for reference in _within(inner)]


def named_references(note: str) -> list[Reference]:
    """Those that a note names in its sentence: "code from category Z3A", "codes from F11-F16 and F18-F19 to ..."."""
    return [reference for match in _NAMED.finditer(note) for reference in _within(match.group(1) or match.group(2))]


def _within(inner: str) -> Iterator[Reference]:
    ending = found.group(1) if (found := _ENDING.search(inner)) else ""
    intent = _characters(found.group(1), found.group(2)) if (found := _INTENT.search(inner)) else ""
    for match in _REFERENCE.finditer(inner):
        first, last = match.group(1), match.group(2) or match.group(1)
        if first <= last:
            short = "." not in first
            yield Reference(first, last, ending if short else "", intent if short else "")


def _characters(first: str, last: str | None) -> str:
    return "".join(str(digit) for digit in range(int(first), int(last or first) + 1))
