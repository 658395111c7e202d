"""A part of the real code set, small enough to be indexed in a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import Code, SurfaceForm


class Slice:
    """A few categories of ICD-10-CM, with blanks between them, with all their forms."""

    def __init__(self, categories: str) -> None:
        self._categories = categories.split()
        self._whole = ICD10CM()
        self.name, self.edition, self.system = self._whole.name, self._whole.edition, self._whole.system

    def codes(self) -> Sequence[Code]:
        return [code for code in self._whole.codes() if code.code[:3] in self._categories]

    def forms(self) -> Iterator[SurfaceForm]:
        known = {code.code for code in self.codes()}
        return (form for form in self._whole.forms() if form.code in known)
