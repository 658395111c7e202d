"""Notes of one length, made of shorter ones: what a quota in notes of so many characters is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.pipeline.note import Document, Note

BREAK: Final = "\n\n"


def of_length(notes: Sequence[Note], characters: int) -> list[Note]:
    """The notes' texts end to end, cut every so many characters; what is left over is dropped, no text comes twice.

    Raises ValueError where all of them together are shorter.
    """
    text = BREAK.join(document.text for note in notes for document in note.documents)
    if len(text) < characters:
        raise ValueError(f"all notes together have {len(text):,} characters, fewer than {characters:,}")
    starts = range(0, len(text) - characters + 1, characters)
    return [Note((Document(text[start : start + characters]),)) for start in starts]
