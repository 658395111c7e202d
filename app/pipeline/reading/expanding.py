"""Shorthand and misspellings of a note as the words they stand for; sections and sentences move along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.pipeline.note import Document, Note
from app.pipeline.reading.edited import Edit, Edited
from app.pipeline.reading.misspellings import Speller
from app.pipeline.reading.read import reread
from app.pipeline.reading.shorthand import Context, expansions
from app.pipeline.spans import Section, Sentence

Outline = tuple[Note, tuple[Section, ...], tuple[Sentence, ...]]


def expand(note: Note, sections: tuple[Section, ...], sentences: tuple[Sentence, ...]) -> Outline:
    """The note with its shorthand written out within its sentences, and its sections and sentences in there.

    Headings are left as they are: they have been understood already.
    """
    edits: list[list[Edit]] = [[] for _ in note.documents]
    speller = Speller()
    context = Context(tuple(document.text for document in note.documents))
    for sentence in sentences:
        text = note.documents[sentence.document].text
        label = sections[sentence.section].label
        edits[sentence.document] += _edits(text, sentence, label, context, speller)
    if not any(edits):
        return note, sections, sentences
    documents = tuple(reread(old, found) for old, found in zip(note.documents, edits, strict=True))
    moves = tuple(_move(new, old) for new, old in zip(documents, note.documents, strict=True))
    moved_sections = tuple(_section(section, moves[section.document]) for section in sections)
    moved = tuple(_sentence(sentence, moves[sentence.document]) for sentence in sentences)
    return Note(documents), moved_sections, moved


def _edits(text: str, sentence: Sentence, label: str | None, context: Context, speller: Speller) -> Iterator[Edit]:
    """Rising and without overlaps: a word that is shorthand is no misspelling."""
    found = [*expansions(text, sentence.start, sentence.end, label, context)]
    found += speller.corrections(text, sentence.start, sentence.end)
    before = sentence.start
    for edit in sorted(found, key=lambda edit: (edit.start, edit.end)):
        if edit.start >= before:
            yield edit
            before = edit.end


def _move(new: Document, old: Document) -> Edited | None:
    return None if new is old else new.edits[-1]


def _section(section: Section, move: Edited | None) -> Section:
    if move is None:
        return section
    start, end = move.forward(section.start, section.end)
    return replace(section, start=start, end=end, heading_end=move.forward(section.start, section.heading_end)[1])


def _sentence(sentence: Sentence, move: Edited | None) -> Sentence:
    if move is None:
        return sentence
    start, end = move.forward(sentence.start, sentence.end)
    return replace(sentence, start=start, end=end)
