"""A small code set whose wordings notes name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index_builder.codesets.protocol import Code, FormSource, SurfaceForm

WORDINGS = {
    "E23.2": ("diabetes insipidus",),
    "E11.9": ("diabetes", "type 2 diabetes mellitus"),
    "J18.9": ("pneumonia", "Pneumonia, unspecified organism"),
    "J69.0": ("aspiration pneumonia", "pneumonia due to aspiration of food"),
    "M17.11": ("osteoarthritis of the right knee",),
    "M17.12": ("osteoarthritis of the left knee",),
    "R05.9": ("cough",),
    "S72.001A": ("hip fracture",),
    "S72.001D": ("hip fracture",),
}


@dataclass(frozen=True)
class NamedSet:
    name: str = "icd-10-cm"
    edition: str = "test"
    system: str = "urn:named"

    def codes(self) -> Sequence[Code]:
        return [Code(code, wordings[0], None, True, {}) for code, wordings in WORDINGS.items()]

    def forms(self) -> Iterable[SurfaceForm]:
        return [SurfaceForm(code, text, FormSource.INDEX) for code, texts in WORDINGS.items() for text in texts]
