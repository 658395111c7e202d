"""ICD-10-CM in any edition, from the order file of that year: for claims of other years beside the default edition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from index_builder.codesets.order_file import by_code, to_codes
from index_builder.codesets.plain_terms import abbreviated, tidy
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.tables.abbreviations import load_abbreviations
from index_builder.tables.termfile import ICD10CM_TERMS, load_terms

_FULL_LENGTH = len("S52.501A")


class ICD10CMOrder:
    """The codes of an order file with the wordings of the compiled term tables. Tabular notes are not in the file."""

    name = "icd-10-cm"
    system = "http://hl7.org/fhir/sid/icd-10-cm"

    def __init__(self, order: Path, edition: str, terms: Path | None = ICD10CM_TERMS) -> None:
        """order: icd10cm_order_YYYY.txt; terms: a compiled term file, None = titles only. Raises CodeSetError."""
        self.edition = edition
        self._codes = tuple(sorted(to_codes(by_code(order), dotted=True), key=lambda code: code.code))
        self._terms = terms

    def codes(self) -> Sequence[Code]:
        """All codes with their dot, sorted."""
        return self._codes

    def forms(self) -> Iterator[SurfaceForm]:
        """All titles, then the term tables; a wording of a code that this edition does not have is left out."""
        titles = {code.code: code.title for code in self._codes}
        for code in self._codes:
            yield _title_form(code, titles)
        for code in self._codes:
            if len(code.code) < _FULL_LENGTH and (short := abbreviated(code.title)):
                yield SurfaceForm(code.code, short, FormSource.INCLUSION)
        if self._terms is not None:
            yield from (form for form in load_terms(self._terms) if form.code in titles)
            yield from (form for form in load_abbreviations() if form.code in titles)


def _title_form(code: Code, titles: dict[str, str]) -> SurfaceForm:
    head = titles[code.parent] if code.parent and len(code.code) == _FULL_LENGTH else ""
    if not head or not code.title.startswith(f"{head},"):
        return SurfaceForm(code.code, tidy(code.title), FormSource.TITLE)
    text = tidy(head)
    return SurfaceForm(code.code, text + tidy(code.title[len(head) :]), FormSource.TITLE, len(text))
