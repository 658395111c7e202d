"""Mentions as training queries: the words that a coder marked, and the clause of the note that holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.codiesp_evidence import Mention, projected_mentions
from app.evaluation.corpora import CodiEsp, match
from app.pipeline.segment import segment
from index_builder.catalog import Catalog

ASIDE = 3  # every third training note is kept for the last stage
_LEADING = re.compile(
    r"^(?:(?:of|with|the|a|an|in|to|and|by|for|from|on|at|was|were|is|due|his|her)\s+)+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MarkedClause:
    """A clause, the words in it that were marked, the code given for them, and all codes of the note."""

    clause: str
    words: str
    code: str
    note_codes: frozenset[str]


def marked_clauses(path: Path, split: str, catalog: Catalog, *, aside: int = ASIDE) -> list[MarkedClause]:
    """The mentions of a CodiEsp split whose code the catalog has, in the order of the notes.

    Every `aside`-th note is left out: the encoder must not have seen the notes that calibrate the last stage, or its
    scores on them would promise too much. Raises CorpusError.
    """
    mentions = projected_mentions(path, split)
    by_note: dict[str, list[Mention]] = {}
    for mention in mentions:
        by_note.setdefault(mention.note, []).append(mention)
    found: dict[MarkedClause, None] = {}
    for number, coded in enumerate(match(CodiEsp(path).notes(split), catalog), start=1):
        if number % aside == 0:
            continue
        cut = segment(coded.note)
        text = coded.note.documents[0].text
        clauses = [(c.start, c.end, cut.text_of(c)) for c in cut.clauses]
        for mention in by_note.get(coded.id, ()):
            position = catalog.position(mention.code)
            clause = _holding(clauses, mention)
            if position is not None and clause:
                words = _LEADING.sub("", text[mention.start : mention.end])
                found[MarkedClause(clause, words, catalog.code_names[position], coded.gold)] = None
    return list(found)


def _holding(clauses: Sequence[tuple[int, int, str]], mention: Mention) -> str | None:
    """The clause that shares most characters with the mention."""
    shared = [(min(end, mention.end) - max(start, mention.start), text) for start, end, text in clauses]
    most = max(shared, key=lambda pair: pair[0], default=(0, ""))
    return most[1] if most[0] > 0 else None


def distinct_queries(marked: Iterable[MarkedClause]) -> list[str]:
    """Every wording that is a query, once."""
    return list(dict.fromkeys(text for one in marked for text in (one.words, one.clause)))
