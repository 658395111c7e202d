"""A code set's surface forms as training terms."""

from __future__ import annotations

from app.evaluation.terms import held_out_categories
from index_builder.codesets.protocol import CodeSet, FormSource, SurfaceForm
from index_builder.embedding import split_form
from model.training.pairs import Term

SIDED = 0.2  # weight of a wording that its code inherits together with a side


def training_terms(code_set: CodeSet, hold_out: float, seed: int) -> list[Term]:
    """All forms; of a `hold_out` share of the 3-character categories the titles only."""
    held = _held(code_set, hold_out, seed)
    return [
        Term(form.code, _pieces(form), form.text, form.source is FormSource.TITLE, _weight(form))
        for form in code_set.forms()
        if not _is_out(form, held)
    ]


def held_out_wordings(code_set: CodeSet, hold_out: float, seed: int) -> frozenset[str]:
    """The wordings that `training_terms` leaves out, casefolded: no other source may bring them in again."""
    held = _held(code_set, hold_out, seed)
    return frozenset(form.text.casefold() for form in code_set.forms() if _is_out(form, held))


def _held(code_set: CodeSet, hold_out: float, seed: int) -> frozenset[str]:
    if not hold_out:
        return frozenset()
    return held_out_categories((c.code for c in code_set.codes()), hold_out, seed)


def _is_out(form: SurfaceForm, held: frozenset[str]) -> bool:
    return form.source is not FormSource.TITLE and form.code[:3] in held


def _pieces(form: SurfaceForm) -> tuple[str, ...]:
    head, extension = split_form(form)
    return (head, extension) if form.extension else (form.text,)


def _weight(form: SurfaceForm) -> float:
    """How often a form is drawn: tables that repeat one pattern for thousands of drugs teach little by the row, and
    what clinicians write is what the model will read. A side matters more than a 7th character, which notes leave out.
    """
    if form.extension:
        return 0.05 if form.source is FormSource.TITLE else SIDED
    return {"drug": 0.03, "external": 0.1, "neoplasm": 0.3, "clinician": 4.0}.get(form.source, 1.0)
