"""What an answer shows as evidence: the words that a code was read from, without linking words at their ends.

The run of words that is nearest to a wording often begins with the word that ties it to the rest: "of COPD", "with the
gout". Articles, prepositions and conjunctions are taken off both ends, as coders mark it (docs/decisions/0033). What
the note says of the words, and what is reported, is decided on the run, before this.
"""

from __future__ import annotations

import re
from dataclasses import replace

from app.pipeline.clauses import LEXICON, close_bracket, trim
from app.pipeline.coding import CodedItem, Coding, Evidence
from app.pipeline.note import Note
from app.pipeline.reading.edited import Span

_LINKING = re.compile(rf"(?:{'|'.join(LEXICON['trailing'])})\s+(?=\S)", re.IGNORECASE)


def trimmed(text: str, span: Span) -> Span:
    """The span without linking words at its ends; as it is where nothing else would be left. Never empty."""
    start, end = trim(text, span)
    while start < end and (linking := _LINKING.match(text, start, end)):
        start, end = trim(text, (linking.end(), end))
    return close_bracket(text, (start, end), min(end + 1, len(text))) if start < end else span


def in_phrases(coding: Coding, note: Note) -> Coding:
    """The answer with its evidence trimmed; `note` is the one that was read."""
    return replace(
        coding,
        codes=tuple(_item(item, note) for item in coding.codes),
        candidates=tuple(_item(item, note) for item in coding.candidates),
        suppressed=tuple(_item(item, note) for item in coding.suppressed),
    )


def _item(item: CodedItem, note: Note) -> CodedItem:
    return replace(item, evidence=tuple(_shown(one, note.documents[one.document].text) for one in item.evidence))


def _shown(one: Evidence, text: str) -> Evidence:
    start, end = trimmed(text, (one.start, one.end))
    return replace(one, start=start, end=end, text=text[start:end])
