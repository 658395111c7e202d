"""Mentions as training queries: the words that a coder marked, and the clause of the note that holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.evaluation.codiesp_evidence import Mention, projected_mentions
from app.evaluation.corpora import CodedNote, CodiEsp, match
from app.evaluation.practice_notes import PracticeNotes
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment
from app.pipeline.spans import Clause, Segmented
from app.training.passages import passage_of
from index_builder.catalog import Catalog
from index_builder.tables.lines import load_lines
from model.training.text import Inside

ASIDE = 3  # every third training note is kept for the last stage
_LEADING = re.compile(
    r"^(?:(?:of|with|the|a|an|in|to|and|by|for|from|on|at|was|were|is|due|his|her)\s+)+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MarkedClause:
    """A clause, the words in it that were marked, the code given for them, and all codes of the note.

    clause_inside, words_inside: both inside the first passage that has them; None for words that leave it
    """

    clause: str
    words: str
    code: str
    note_codes: frozenset[str]
    clause_inside: Inside = field(compare=False)
    words_inside: Inside | None = field(compare=False)


def marked_clauses(path: Path, split: str, catalog: Catalog, *, aside: int = ASIDE) -> list[MarkedClause]:
    """The mentions of a CodiEsp split whose code the catalog has, in the order of the notes.

    Every `aside`-th note is left out: the encoder must not have seen the notes that calibrate the last stage, or its
    scores on them would promise too much. Raises CorpusError.
    """
    mentions = projected_mentions(path, split)
    by_note: dict[str, list[Mention]] = {}
    for mention in mentions:
        by_note.setdefault(mention.note, []).append(mention)
    notes = match(CodiEsp(path).notes(split), catalog)
    kept = [(note, note.gold) for number, note in enumerate(notes, start=1) if number % aside]
    return _marked_in(kept, by_note, catalog)


def practised_clauses(path: Path, catalog: Catalog) -> list[MarkedClause]:
    """The marks of the practice notes' split `train`, in the order of the notes. Raises CorpusError."""
    notes = PracticeNotes(path).notes("train")
    marks = {n.id: [Mention(n.id, mark.code, mark.start, mark.end) for mark in n.marks] for n in notes}
    return _marked_in([(note, note.gold | note.uncounted) for note in notes], marks, catalog)


def lined_clauses(catalog: Catalog) -> list[MarkedClause]:
    """The marks of the lines that ship (index_builder/tables/lines), in their order; each line is a note of its own."""
    lines = {f"line-{number}": line for number, line in enumerate(load_lines(), start=1)}
    marks = {id: [Mention(id, mark.code, mark.start, mark.end) for mark in line.marks] for id, line in lines.items()}
    notes = [
        CodedNote(
            id=id,
            note=Note((Document(line.text, id=id),)),
            gold=frozenset(mark.code for mark in line.marks),
        )
        for id, line in lines.items()
    ]
    return _marked_in([(note, note.gold) for note in notes], marks, catalog)


def _marked_in(
    notes: Iterable[tuple[CodedNote, frozenset[str]]], mentions: Mapping[str, Sequence[Mention]], catalog: Catalog
) -> list[MarkedClause]:
    """Mentions by note, each in its clause. The codes beside a note are no mistakes there."""
    found: dict[MarkedClause, None] = {}
    for coded, given in notes:
        cut = segment(coded.note)
        for mention in mentions.get(coded.id, ()):
            position = catalog.position(mention.code)
            clause = _holding(cut.clauses, mention)
            if position is not None and clause is not None:
                found[_marked(cut, clause, mention, catalog.code_names[position], given)] = None
    return list(found)


def _marked(cut: Segmented, clause: Clause, mention: Mention, code: str, given: frozenset[str]) -> MarkedClause:
    marked = cut.note.documents[0].text[mention.start : mention.end]
    words = _LEADING.sub("", marked)
    passage = passage_of(cut, clause)
    start = mention.end - len(words) - clause.start + passage.start
    end = start + len(words)
    inside = Inside(passage.context, start, end) if start >= 0 and end <= len(passage.context) else None
    return MarkedClause(cut.text_of(clause), words, code, given, passage, inside)


def _holding(clauses: Sequence[Clause], mention: Mention) -> Clause | None:
    """The clause that shares most characters with the mention."""
    shared = [(min(c.end, mention.end) - max(c.start, mention.start), c) for c in clauses]
    most = max(shared, key=lambda pair: pair[0], default=None)
    return most[1] if most is not None and most[0] > 0 else None


def distinct_queries(marked: Iterable[MarkedClause]) -> list[str]:
    """Every wording that is a query, once."""
    return list(dict.fromkeys(text for one in marked for text in (one.words, one.clause)))
