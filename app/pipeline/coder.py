"""The port between the service and the pipeline: notes in, codings out. The pipeline implements it, tests fake it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note
from index_builder.catalog import Catalog

DEFAULT_CALIBRATION = "general"


@dataclass(frozen=True, slots=True)
class Versions:
    """What an answer was made with; named in every answer.

    model, index: content hashes of the artifacts
    code_set:     name and edition, e.g. "icd-10-cm 2026-04"
    calibrations: name and version of each loaded calibration by its name; empty while scores are not calibrated
    """

    model: str
    index: str
    code_set: str
    calibrations: Mapping[str, str] = field(default_factory=dict)

    @property
    def calibration(self) -> str | None:
        """The default calibration's name and version, None where scores are not calibrated."""
        return self.calibrations.get(DEFAULT_CALIBRATION)


class Coder(Protocol):
    """A loaded and verified pipeline."""

    @property
    def versions(self) -> Versions:
        """What answers are made with."""
        ...

    @property
    def catalog(self) -> Catalog:
        """The loaded code set."""
        ...

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        """One coding per note, in their order. Blocking; called by two threads at a time."""
        ...


Tell = Callable[[int, Coding], None]
"""Hears the place of a note and its coding."""


@runtime_checkable
class TellingCoder(Protocol):
    """A coder that need not finish a batch to answer its first note."""

    def code_telling(self, notes: Sequence[Note], options: Sequence[CodingOptions], tell: Tell) -> None:
        """As `code`, but each coding is told as soon as it is there, in any order, by several threads at once.

        Where it raises, some may have been told, and some may be told for a while after.
        """
        ...


def told_in_order(coder: TellingCoder, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
    """What `Coder.code` gives: all codings, in the order of the notes."""
    found: dict[int, Coding] = {}
    coder.code_telling(notes, options, found.__setitem__)
    return [found[place] for place in range(len(notes))]
