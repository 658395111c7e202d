"""Clauses of notes as training data: marked by coders, or named almost literally by a note that nobody coded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from app.pipeline.coding import Evidence
from app.pipeline.note import CodingOptions, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.segment import segment
from app.pipeline.spans import Clause as SpanOfClause
from app.training.forms import FormVectors
from app.training.mentions import MarkedClause, distinct_queries
from app.training.nearest import nearest_codes
from app.training.passages import passage_of
from index_builder.catalog import Catalog
from index_builder.embedding import split_form
from index_builder.index import CodeHits
from model.encoder import Encoder
from model.training.pairs import Clause

Wording = tuple[str, ...]

MISTAKES = 8  # nearest wrong codes kept per query


def coded_clauses(
    marked: Sequence[MarkedClause], encoder: Encoder, forms: FormVectors, catalog: Catalog
) -> list[Clause]:
    """Marked words and their clauses with the right code's nearest wording and the model's own mistakes.

    A mistake is a near code that the note's coder gave nowhere in the note, and that is no parent or child of a code
    that was given.
    """
    queries = distinct_queries(marked)
    near = dict(zip(queries, nearest_codes(encoder, forms, queries, 60), strict=True))
    return [
        Clause(
            one.code,
            text,
            _nearest_form(catalog, near[text], one.code),
            _mistakes(catalog, near[text], one),
            context,
        )
        for one in marked
        for text, context in {one.words: one.words_inside, one.clause: one.clause_inside}.items()
    ]


def literal_clauses(notes: Iterable[Note], pipeline: CodingPipeline, *, least: float, longer: int) -> list[Clause]:
    """Self-training on notes without codes: clauses with words whose score is at least `least` for some code.

    Only clauses with `longer` more words than the evidence are kept: they teach that the words around a finding do not
    change it.
    """
    options = CodingOptions(top_k=30, assertion="annotate", billable_only=False)
    found: dict[tuple[str, str], Clause] = {}
    for note in notes:
        cut = segment(note)
        coding = pipeline.code([note], [options])[0]
        for item in (*coding.codes, *coding.candidates):
            for best, clause in _placed(item.evidence[:1], cut.clauses):  # a code that rules brought in has none
                text = cut.text_of(clause)
                if best.weight >= least and len(text.split()) >= len(best.text.split()) + longer:
                    passage = passage_of(cut, clause)
                    found.setdefault((item.code, text), Clause(item.code, text, (best.text,), (), passage))
    return list(found.values())


def _placed(evidence: Iterable[Evidence], clauses: Sequence[SpanOfClause]) -> Iterator[tuple[Evidence, SpanOfClause]]:
    """Words with the clause that they begin in; words that only the reading has begin in none."""
    for one in evidence:
        for clause in clauses:
            if clause.document == one.document and clause.start <= one.start < clause.end:
                yield one, clause


def _nearest_form(catalog: Catalog, near: CodeHits, code: str) -> Wording | None:
    """The right code's wording that is nearest to the query, where it is among the nearest codes at all."""
    position = catalog.position(code)
    rows = [row for row, p in enumerate(near.positions.tolist()) if p == position]
    return _pieces(catalog, int(near.forms[rows[0]])) if rows else None


def _pieces(catalog: Catalog, form: int) -> Wording:
    return tuple(piece for piece in split_form(catalog.form(form)) if piece)


def _mistakes(catalog: Catalog, near: CodeHits, one: MarkedClause) -> tuple[tuple[str, Wording], ...]:
    names = catalog.code_names
    wrong = []
    for position, form in zip(near.positions.tolist(), near.forms.tolist(), strict=True):
        name = names[position]
        if not any(name.startswith(given) or given.startswith(name) for given in one.note_codes):
            wrong.append((name, _pieces(catalog, form)))
    return tuple(wrong[:MISTAKES])
