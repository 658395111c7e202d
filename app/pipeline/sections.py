"""Cut a document at its headings: alone on a line, before a colon or a dash, or inline where line breaks were lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.pipeline.headings import heading_lexicon, is_part, label_of
from app.pipeline.spans import Section

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
PIECE = re.compile(rf"[^{LINE_ENDS},.;:!?]+")
DASH = re.compile(r"\s[-\u2013\u2014](?=\s|\Z)")
LONGEST_HEADING = 100
MARKUP = " \t\u00a0\ufeff-*#>_\u2022"  # bullets and markdown that may stand before a heading
LOST_BREAK = ","  # some exports turn a line break into a comma


@dataclass(frozen=True, slots=True)
class Heading:
    """[start, end) with its colon, and the label it opens; end == start for a heading whose words are unknown."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words between two marks, and the marks: `opener` before them, `closer` after them, "" at the text's ends."""

    text: str
    start: int
    end: int
    opener: str
    closer: str

    @property
    def begins_line(self) -> bool:
        """Whether it stands first in its line."""
        return self.opener == "" or self.opener in LINE_ENDS

    @property
    def ends_line(self) -> bool:
        """Whether it stands last in its line."""
        return self.closer == "" or self.closer in LINE_ENDS

    @property
    def upper(self) -> bool:
        """Whether it is written in capitals."""
        return self.text.isupper()


def may_head(text: str, opener: str, end: int) -> bool:
    """Whether words between `opener` and the mark at `end` can be a heading at all; most of a note is told here."""
    closer = text[end : end + 1]
    if opener == "" or opener in LINE_ENDS or closer == ":":
        return True
    return closer == opener == LOST_BREAK and begins_body(text, end + 1)


def begins_body(text: str, at: int) -> bool:
    """Whether a body may begin right at a place where a line break was lost: "EXAM,Alert", "HISTORY,1.  Asthma"."""
    following = text[at : at + 1]
    return following.isupper() or following.isdigit()


def candidates(text: str) -> Iterator[Candidate]:
    """Stretches that are short enough to be a heading, in one pass."""
    for piece in PIECE.finditer(text):
        start, end = piece.span()
        opener = text[start - 1 : start]
        if not may_head(text, opener, end):
            continue
        if end - start > LONGEST_HEADING and not DASH.search(text, start, start + LONGEST_HEADING):
            continue
        words = piece.group().strip(MARKUP)
        if words and words[0].isalpha():
            yield Candidate(words, text.index(words[0], start), end, opener, text[end : end + 1])


def before_colon(text: str, found: Candidate, current: str | None) -> Heading | None:
    """ "PLAN:", "Past Medical History: HTN"; a lower-case heading counts at the beginning of a line only."""
    if not (found.begins_line or found.text[0].isupper()):
        return None
    label = label_of(found.text, current)
    if label is not None:
        return Heading(found.start, found.end + 1, label)
    opens = current is None or current in heading_lexicon().open_labels
    after_number = found.opener == "." and text[max(0, found.start - 4) : found.start].strip(" .").isdigit()
    if opens and found.upper and not after_number and sum(letter.isalpha() for letter in found.text) >= 4:
        return Heading(found.start, found.start, "other")
    return None


def alone(text: str, found: Candidate, current: str | None) -> Heading | None:
    """A known heading that fills its line, or stood alone before line breaks were lost ("EXAM,GENERAL: ...")."""
    own_line = found.begins_line and found.ends_line and found.text[0].isupper()
    following = begins_body(text, found.end + 1)
    lost = found.closer == found.opener == LOST_BREAK and found.upper and len(found.text) > 4 and following
    if not (own_line or lost) or is_part(found.text):
        return None
    label = label_of(found.text, current)
    return None if label is None else Heading(found.start, found.start + len(found.text), label)


def before_dash(text: str, found: Candidate, current: str | None) -> Heading | None:
    """ "Impression - pneumonia" at the beginning of a line."""
    dash = DASH.search(text, found.start, min(found.end, found.start + LONGEST_HEADING))
    if dash is None or not found.begins_line or not found.text[0].isupper():
        return None
    words = text[found.start : dash.start()]
    label = None if is_part(words) else label_of(words, current)
    return None if label is None else Heading(found.start, dash.end(), label)


def headings(text: str) -> Iterator[Heading]:
    """The headings of a document in their order."""
    current: str | None = None
    for found in candidates(text):
        colon = found.closer == ":" and found.end - found.start <= LONGEST_HEADING
        heading = before_colon(text, found, current) if colon else alone(text, found, current)
        heading = heading or before_dash(text, found, current)
        if heading is not None:
            current = heading.label
            yield heading


def cut_sections(document: int, text: str) -> list[Section]:
    """The sections of a document, end to end; an empty document has none. An unknown heading stays in the text."""
    found = list(headings(text))
    if not found:
        return [Section(document, 0, len(text), None, 0)] if text else []
    starts = [heading.start for heading in found]
    ends = [*starts[1:], len(text)]
    sections = [
        Section(document, start, end, heading.label, heading.end)
        for heading, start, end in zip(found, starts, ends, strict=True)
    ]
    if not text[: starts[0]].strip(MARKUP + LINE_ENDS):
        first = sections[0]  # nothing but blanks before it: they belong to it
        heading_end = first.heading_end if first.heading_end > first.start else 0
        return [Section(document, 0, first.end, first.label, heading_end), *sections[1:]]
    return [Section(document, 0, starts[0], None, 0), *sections]
