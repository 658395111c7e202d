"""The port to a coder of several code sets and editions, and how any coder is asked what it holds.

Apart from the shelf itself, so that whoever asks does not load the libraries of the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from app.pipeline.coder import Coder, Versions
from index_builder.catalog import Catalog
from index_builder.crosswalk.artifact import Crosswalk


@runtime_checkable
class Shelved(Protocol):
    """A coder of several code sets."""

    @property
    def catalogs(self) -> Sequence[Catalog]:
        """Every loaded code set and edition, the default first."""
        ...

    @property
    def crosswalk(self) -> Crosswalk | None:
        """Mappings between code sets, if any were built."""
        ...

    def versions_of(self, code_sets: Sequence[str]) -> Versions:
        """What an answer of these code sets is made with; none named = the default."""
        ...


def catalogs_of(coder: Coder) -> Sequence[Catalog]:
    """Every code set and edition that a coder holds, the default first."""
    return coder.catalogs if isinstance(coder, Shelved) else (coder.catalog,)


def versions_of(coder: Coder, code_sets: Sequence[str]) -> Versions:
    """What an answer of these code sets is made with; none named = the default."""
    return coder.versions_of(code_sets) if isinstance(coder, Shelved) else coder.versions


def all_versions(coder: Coder) -> list[Versions]:
    """What answers of each code set are made with, the default first."""
    if isinstance(coder, Shelved):
        return [coder.versions_of([name_of(catalog)]) for catalog in coder.catalogs]
    return [coder.versions]


def crosswalk_of(coder: Coder) -> Crosswalk | None:
    """The mappings between code sets that are loaded with a coder."""
    return coder.crosswalk if isinstance(coder, Shelved) else None


def name_of(catalog: Catalog) -> str:
    """Code set and edition as options and versions name them."""
    return f"{catalog.name} {catalog.edition}"
