"""One answer as the rules see it, and what they may say of it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from app.edits.facts import RuleBook
from app.edits.sides import sides_in
from app.pipeline.coding import Caution, CodedItem
from app.pipeline.note import Patient
from app.pipeline.spans import Section, Segmented


@dataclass(frozen=True)
class Case:
    """An answer: `codes` as accepted, `candidates` below them; the note that they were found in; the patient."""

    book: RuleBook
    codes: tuple[CodedItem, ...]
    candidates: tuple[CodedItem, ...]
    note: Segmented
    patient: Patient = field(default_factory=Patient)
    inpatient: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The accepted codes, best first."""
        return tuple(item.code for item in self.codes)

    @cached_property
    def _starts(self) -> list[tuple[int, int]]:
        return [(sentence.document, sentence.start) for sentence in self.note.sentences]

    def around(self, item: CodedItem) -> str:
        """The sentences that hold the code's evidence."""
        found = {self._sentence(evidence.document, evidence.start) for evidence in item.evidence}
        return "\n".join(self.note.text_of(self.note.sentences[row]) for row in sorted(found) if row >= 0)

    def section(self, document: int, offset: int) -> Section | None:
        """The section of a place in the note."""
        row = self._sentence(document, offset)
        return self.note.sections[self.note.sentences[row].section] if row >= 0 else None

    @cached_property
    def text(self) -> str:
        """All documents."""
        return "\n".join(document.text for document in self.note.note.documents)

    @cached_property
    def sides(self) -> frozenset[str]:
        """The sides that the note names anywhere."""
        return sides_in(self.text)

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Whether any document has the pattern."""
        return pattern.search(self.text) is not None

    def _sentence(self, document: int, offset: int) -> int:
        row = bisect_right(self._starts, (document, offset)) - 1
        return row if row >= 0 and self.note.sentences[row].document == document else -1


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says. `caution` names all codes concerned, in the order of the message; None only to offer codes.

    on:      codes of the answer whose entry carries it
    overall: whether the answer as a whole carries it too: whatever is about more than one code
    offered: codes to stand first among the alternatives of those in `on`
    """

    caution: Caution | None
    on: tuple[str, ...] = ()
    overall: bool = False
    offered: tuple[str, ...] = ()


Rule = Callable[[Case], Iterable[Finding]]


def listed(codes: Sequence[str], most: int = 4) -> str:
    """Codes in a sentence, the first few of them: "J44.0, J44.1 and 2 more"."""
    if len(codes) <= most:
        return ", ".join(codes)
    return f"{', '.join(codes[:most])} and {len(codes) - most} more"
