"""ICD-10-CM, April 2026: the tabular list of the package simple-icd-10-cm and the compiled term tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from index_builder.codesets.inheriting import inherited_forms
from index_builder.codesets.inputs import packaged_inputs
from index_builder.codesets.plain_terms import abbreviated, plain_term, tidy
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.tables.abbreviations import load_abbreviations
from index_builder.tables.lines import line_wordings, load_lines
from index_builder.tables.termfile import ICD10CM_TERMS, load_terms
from index_builder.tables.wordings import load_wordings

with warnings.catch_warnings():
    # The package reads its data by importlib.resources.read_text, which Python 3.11 and 3.12 call deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import simple_icd_10_cm as tabular


class ICD10CM:
    """The default code set: 98,186 categories, subcategories and codes; chapters and blocks are left out."""

    name = "icd-10-cm"
    edition = "2026-04"
    system = "http://hl7.org/fhir/sid/icd-10-cm"

    def __init__(self, terms: Path | None = ICD10CM_TERMS) -> None:
        """terms is a compiled term file; None leaves titles and inclusion terms only."""
        self._terms = terms

    def codes(self) -> Sequence[Code]:
        """All codes with their dot, sorted."""
        return self._codes

    def forms(self) -> Iterator[SurfaceForm]:
        """All titles, then the notes that are plain terms, then the term tables and what is inherited from headers."""
        own = list(self._own_forms())
        yield from own
        if self._terms is not None:
            yield from inherited_forms(self._codes, own)

    def inputs(self) -> str:
        """A hash over the tables, their readers and the version of the tabular list."""
        return packaged_inputs(self._terms)

    def _own_forms(self) -> Iterator[SurfaceForm]:
        for code in self._codes:
            yield self._title_form(code)
        for code in self._codes:
            yield from _note_forms(code)
        if self._terms is not None:
            yield from load_terms(self._terms)
            yield from load_abbreviations()
            wordings = load_wordings()
            yield from wordings
            yield from line_wordings(load_lines(), {form.text.casefold() for form in wordings})

    @cached_property
    def _codes(self) -> tuple[Code, ...]:
        # A block of one category (B20) shares its name with the category: the set keeps it once.
        names = {name for name in tabular.get_all_codes(with_dots=True) if tabular.is_category_or_subcategory(name)}
        return tuple(_read(name) for name in sorted(names))

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {code.code: code.title for code in self._codes}

    def _title_form(self, code: Code) -> SurfaceForm:
        head = self._titles[code.parent] if code.parent and tabular.is_extended_subcategory(code.code) else ""
        if not head or not code.title.startswith(head):
            return SurfaceForm(code.code, tidy(code.title), FormSource.TITLE)
        text, extension = tidy(head), tidy(code.title[len(head) :])
        glue = "" if extension.startswith(",") else " "
        return SurfaceForm(code.code, text + glue + extension, FormSource.TITLE, len(text))


def _note_forms(code: Code) -> Iterator[SurfaceForm]:
    if short := None if tabular.is_extended_subcategory(code.code) else abbreviated(code.title):
        yield SurfaceForm(code.code, short, FormSource.INCLUSION)
    for kind in ("inclusion_term", "includes"):
        for note in code.notes.get(kind, ()):
            for text in (plain_term(note), abbreviated(note)):
                if text:
                    yield SurfaceForm(code.code, text, FormSource.INCLUSION)


def _read(name: str) -> Code:
    parent = tabular.get_parent(name) if len(name) > 3 else None
    return Code(name, tabular.get_description(name), parent, tabular.is_leaf(name), _notes(name))


def _notes(name: str) -> dict[str, tuple[str, ...]]:
    if tabular.is_extended_subcategory(name):
        return {}  # the package writes down no notes for the 7th character
    notes = {
        "includes": tabular.get_includes(name),
        "inclusion_term": tabular.get_inclusion_term(name),
        "excludes1": tabular.get_excludes1(name),
        "excludes2": tabular.get_excludes2(name),
        "code_first": tabular.get_code_first(name).splitlines(),
        "use_additional": tabular.get_use_additional_code(name).splitlines(),
        "code_also": tabular.get_code_also(name).splitlines(),
    }
    return {kind: tuple(lines) for kind, lines in notes.items() if lines}
