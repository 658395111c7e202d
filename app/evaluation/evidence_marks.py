"""Notes whose coders marked the words of each code: CodiEsp's marks, and those of practice notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.evaluation.codiesp_evidence import projected_mentions
from app.evaluation.corpora import CodiEsp
from app.evaluation.errors import EvaluationError
from app.evaluation.practice_notes import PracticeNotes
from app.pipeline.note import Note
from index_builder.catalog import Catalog

Span = tuple[int, int]
CORPORA = ("codiesp", "practice")


@dataclass(frozen=True, slots=True)
class MarkedNote:
    """A note of one document. marks: by position in the catalog, [start, end) in code points of the note as sent."""

    id: str
    note: Note
    marks: Mapping[int, frozenset[Span]] = field(repr=False)


def marked_notes(corpus: str, path: Path, split: str, catalog: Catalog) -> list[MarkedNote]:
    """The notes of a split with the marks whose code the catalog has. CodiEsp's stand in the Spanish text and are
    carried over by word alignment. Raises CorpusError; EvaluationError for a corpus without marks."""
    if corpus == "codiesp":
        texts = {note.id: note.note for note in CodiEsp(path).notes(split)}
        spans = ((m.note, m.code, (m.start, m.end)) for m in projected_mentions(path, split))
    elif corpus == "practice":
        notes = PracticeNotes(path).notes(split)
        texts = {note.id: note.note for note in notes}
        spans = ((note.id, m.code, (m.start, m.end)) for note in notes for m in note.marks)
    else:
        raise EvaluationError(f"the corpus {corpus} has no marked words; {' and '.join(CORPORA)} have")
    marks = _by_note(spans, catalog)
    return [
        MarkedNote(id, note, {position: frozenset(found) for position, found in marks[id].items()})
        for id, note in texts.items()
        if id in marks
    ]


def _by_note(spans: Iterable[tuple[str, str, Span]], catalog: Catalog) -> dict[str, dict[int, set[Span]]]:
    marks: dict[str, dict[int, set[Span]]] = defaultdict(lambda: defaultdict(set))
    for note, code, span in spans:
        position = catalog.position(code)
        if position is not None:
            marks[note][position].add(span)
    return marks
