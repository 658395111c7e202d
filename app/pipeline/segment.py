"""The first stage: a note cut into sections, sentences and clauses, all by offsets into its text."""

from __future__ import annotations

from app.pipeline.clauses import cut_clauses
from app.pipeline.note import Note
from app.pipeline.reading.expanding import expand
from app.pipeline.reading.language import language_cautions
from app.pipeline.reading.read import read
from app.pipeline.sections import cut_sections
from app.pipeline.sentences import cut_sentences, widest_line
from app.pipeline.spans import Clause, Section, Segmented, Sentence


def segment(note: Note) -> Segmented:
    """Cut a note. The time is linear in its length, and the same note gives the same cuts.

    The sections of a document cover it from end to end; a sentence lies within one section and outside its heading;
    a clause lies within one sentence. No character stands in more than two clauses.
    """
    sections, sentences = _outline(note)
    return _with_clauses(note, sections, sentences)


def segment_read(note: Note) -> Segmented:
    """Read a note as sent, then cut it: formats first, shorthand where sections and sentences are known.

    Offsets are those of the text that was read; its documents know the way back (docs/reading.md).
    """
    note = read(note)
    outline = note, *_outline(note)
    return _with_clauses(*(outline if language_cautions(note) else expand(*outline)))


def _outline(note: Note) -> tuple[tuple[Section, ...], tuple[Sentence, ...]]:
    sections: list[Section] = []
    sentences: list[Sentence] = []
    for number, document in enumerate(note.documents):
        text, width = document.text, widest_line(document.text)
        for section in cut_sections(number, text):
            sections.append(section)
            for start, end in cut_sentences(text, section.heading_end, section.end, width):
                sentences.append(Sentence(number, start, end, len(sections) - 1))
    return tuple(sections), tuple(sentences)


def _with_clauses(note: Note, sections: tuple[Section, ...], sentences: tuple[Sentence, ...]) -> Segmented:
    clauses: list[Clause] = []
    for at, sentence in enumerate(sentences):
        text = note.documents[sentence.document].text
        clauses += (Clause(sentence.document, *span, at) for span in cut_clauses(text, sentence.start, sentence.end))
    return Segmented(note, sections, sentences, tuple(clauses))
