"""Reviews to store and to export, of one invented note."""

from __future__ import annotations

from app.feedback.review import Decided, Decision, OffsetUnit, Place, Review, Versions

TEXT = "Seen for 😀 gout of the left foot.\nNo asthma. Smokes."
VERSIONS = Versions("0.1.0", "model-1", "index-1", "icd-10-cm 2026-04", "general 1")


def place(words: str, unit: OffsetUnit = OffsetUnit.CODEPOINT, text: str = TEXT) -> Place:
    """Where the words are."""
    start = text.index(words)
    if unit is OffsetUnit.CODEPOINT:
        return Place(0, start, start + len(words))
    before, inside = (len(part.encode("utf-16-le")) // 2 for part in (text[:start], words))
    return Place(0, before, before + inside)


def review(
    *decisions: Decided, name: str = "1", note_id: str | None = "visit", versions: Versions = VERSIONS
) -> Review:
    """A review in code points."""
    return Review(name, note_id, OffsetUnit.CODEPOINT, versions, decisions)


def accepted(code: str, *places: Place) -> Decided:
    return Decided(code, Decision.ACCEPTED, places)


def rejected(code: str, *places: Place) -> Decided:
    return Decided(code, Decision.REJECTED, places)
