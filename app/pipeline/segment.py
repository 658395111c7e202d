"""The first stage: a note cut into sections, sentences and clauses, all by offsets into the text as received."""

from __future__ import annotations

from app.pipeline.clauses import cut_clauses
from app.pipeline.note import Note
from app.pipeline.sections import cut_sections
from app.pipeline.sentences import cut_sentences, widest_line
from app.pipeline.spans import Clause, Section, Segmented, Sentence


def segment(note: Note) -> Segmented:
    """Cut a note. The time is linear in its length, and the same note gives the same cuts.

    The sections of a document cover it from end to end; a sentence lies within one section and outside its heading;
    a clause lies within one sentence. No character stands in more than two clauses.
    """
    sections: list[Section] = []
    sentences: list[Sentence] = []
    clauses: list[Clause] = []
    for number, document in enumerate(note.documents):
        text, width = document.text, widest_line(document.text)
        for section in cut_sections(number, text):
            sections.append(section)
            for start, end in cut_sentences(text, section.heading_end, section.end, width):
                sentences.append(Sentence(number, start, end, len(sections) - 1))
                clauses += (Clause(number, *span, len(sentences) - 1) for span in cut_clauses(text, start, end))
    return Segmented(note, tuple(sections), tuple(sentences), tuple(clauses))
