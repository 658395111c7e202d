"""The passage of a note that a clause stands in: training contexts for encoders that pool clauses from their window."""

from __future__ import annotations

from app.pipeline.spans import Clause, Segmented
from model.training.text import Inside

CHARACTERS = 600


def passage_of(cut: Segmented, clause: Clause, characters: int = CHARACTERS) -> Inside:
    """The clause inside its sentence and as many neighbouring sentences as fit into so many characters.

    Sentences are added whole, one after and one before in turn; the clause's own is there however long it is.
    """
    sentences = cut.sentences
    first = last = clause.sentence
    grown = True
    while grown:
        grown = False
        for step in (1, -1):
            near = last + 1 if step > 0 else first - 1
            if not 0 <= near < len(sentences) or sentences[near].document != clause.document:
                continue
            start, end = (
                min(sentences[near].start, sentences[first].start),
                max(sentences[near].end, sentences[last].end),
            )
            if end - start <= characters:
                first, last, grown = min(first, near), max(last, near), True
    start, end = sentences[first].start, sentences[last].end
    text = cut.note.documents[clause.document].text[start:end]
    return Inside(text, clause.start - start, clause.end - start)
