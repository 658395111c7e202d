"""Where a note says what a rule looks for, and what it says of it: present, denied, a relative's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Evidence
from app.pipeline.conventions.answering import literal
from app.pipeline.spans import Segmented, Sentence


def sayings(pattern: re.Pattern[str], note: Segmented, reader: AssertionReader) -> Iterator[tuple[Sentence, Evidence]]:
    """Every place with its sentence, in order; the evidence has the assertion that the note makes of its words."""
    for sentence in note.sentences:
        for found in pattern.finditer(note.text_of(sentence)):
            words = literal(note, sentence, found)
            yield sentence, replace(words, assertion=reader.assess(words.document, words.start, words.end))
