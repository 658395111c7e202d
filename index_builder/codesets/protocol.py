"""What the builder asks of a code set. ICD-10-CM is one; ICD-10-PCS and ICD-9-CM can follow without a change here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class FormSource(StrEnum):
    """Where a surface form comes from."""

    TITLE = "title"
    INCLUSION = "inclusion"
    INDEX = "index"
    NEOPLASM = "neoplasm"
    DRUG = "drug"
    EXTERNAL = "external"
    DISEASE_ONTOLOGY = "disease_ontology"
    ABBREVIATION = "abbreviation"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a code set. Codes are written with their dot; parent is None at the category level."""

    code: str
    title: str
    parent: str | None
    billable: bool
    notes: dict[
        str, tuple[str, ...]
    ]  # includes, inclusion_term, excludes1, excludes2, code_first, use_additional, code_also


@dataclass(frozen=True, slots=True)
class SurfaceForm:
    """One wording of a code.

    extension is the character at which the wording of the 7th character begins (", initial encounter ..."),
    or 0 where there is none. Head and extension are encoded apart and pooled: fifty thousand injury codes share
    fourteen thousand heads, which halves the tokens of an index build.
    """

    code: str
    text: str
    source: FormSource
    extension: int = 0


class CodeSet(Protocol):
    """A code set in one edition."""

    @property
    def name(self) -> str:
        """Short name, e.g. icd-10-cm."""
        ...

    @property
    def edition(self) -> str:
        """Release, e.g. 2026-04."""
        ...

    @property
    def system(self) -> str:
        """Canonical URI of the code system."""
        ...

    def codes(self) -> Sequence[Code]:
        """All codes, headers included, sorted by code."""
        ...

    def forms(self) -> Iterable[SurfaceForm]:
        """All surface forms, titles first; duplicates are folded by the catalog."""
        ...


@runtime_checkable
class KnownInputs(Protocol):
    """A code set that can tell what it is read from, so that an index of it can be told from one of changed tables."""

    def inputs(self) -> str:
        """A hash that changes whenever codes or wordings may have changed."""
        ...
