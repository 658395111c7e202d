"""A note as sent becomes a note to read: by its format, then without marks that are no words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from app.pipeline.note import Document, Note
from app.pipeline.reading.edited import Edit, Edited
from app.pipeline.reading.hl7 import is_hl7, is_message, read_escapes, read_message
from app.pipeline.reading.markup import read_markup
from app.pipeline.reading.rtf import is_rtf, read_rtf


def read(note: Note) -> Note:
    """The same note where nothing is to be done, which is told without building anything."""
    documents = tuple(_read(document) for document in note.documents)
    changed = any(new is not old for new, old in zip(documents, note.documents, strict=True))
    return Note(documents) if changed else note


def reread(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with edits; it knows its way back to what was sent."""
    kept = tuple(edits)
    if not kept:
        return document
    edited = Edited.of(document.text, kept)
    return replace(document, text=edited.text, edits=(*document.edits, edited))


def _read(document: Document) -> Document:
    if is_rtf(document.text):
        document = reread(document, read_rtf(document.text))
    elif is_message(document.text):
        document = reread(document, read_message(document.text))
    if is_hl7(document.text):
        document = reread(document, read_escapes(document.text))
    return reread(document, read_markup(document.text))
