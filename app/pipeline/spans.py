"""What segmentation hands on: sections, sentences and clauses, all by offsets into the documents as received."""

from __future__ import annotations

from dataclasses import dataclass

from app.pipeline.note import Note


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of one document under one heading. label is normalised ("assessment"), or None before any heading."""

    document: int
    start: int
    end: int
    label: str | None
    heading_end: int  # where the heading's own words end; equal to start when there is no heading


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence or list line, half-open [start, end) in code points of its document; within one section."""

    document: int
    start: int
    end: int
    section: int  # index into Segmented.sections


@dataclass(frozen=True, slots=True)
class Clause:
    """The unit that is encoded: one query vector. Half-open [start, end) in code points; within one sentence."""

    document: int
    start: int
    end: int
    sentence: int  # index into Segmented.sentences


@dataclass(frozen=True, slots=True)
class Segmented:
    """A note cut into sections, sentences and clauses, each in the order of the text."""

    note: Note
    sections: tuple[Section, ...]
    sentences: tuple[Sentence, ...]
    clauses: tuple[Clause, ...]

    def text_of(self, span: Section | Sentence | Clause) -> str:
        """The words of a section, sentence or clause, exactly as received."""
        return self.note.documents[span.document].text[span.start : span.end]

    def section_of(self, clause: Clause) -> Section:
        """The section that a clause stands in."""
        return self.sections[self.sentences[clause.sentence].section]
