"""Evidence found in the text that was read, by the offsets and characters of the text that was sent."""

from __future__ import annotations

from dataclasses import replace

from app.pipeline.coding import CodedItem, Coding, Evidence
from app.pipeline.note import Note


def as_sent(coding: Coding, note: Note) -> Coding:
    """The answer for the note as sent: a replaced stretch is evidence as a whole, never a part of an escape."""
    if not any(document.edits for document in note.documents):
        return coding
    return replace(
        coding,
        codes=tuple(_item(item, note) for item in coding.codes),
        candidates=tuple(_item(item, note) for item in coding.candidates),
        suppressed=tuple(_item(item, note) for item in coding.suppressed),
    )


def _item(item: CodedItem, note: Note) -> CodedItem:
    found: dict[tuple[int, int, int], Evidence] = {}
    for one in item.evidence:
        start, end, text = note.documents[one.document].as_sent(one.start, one.end)
        found.setdefault((one.document, start, end), replace(one, start=start, end=end, text=text))
    return replace(item, evidence=tuple(found.values()))
