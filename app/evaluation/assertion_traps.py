"""The assertion traps: short notes whose findings have a gold assertion. Format: tests/gold/assertion_traps/README.md.

A trap is no coded note (it names what must not be coded), so it is measured by itself: see assertion_measure.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from app.evaluation.corpora.reading import read_lines
from app.evaluation.errors import CorpusError
from app.pipeline.coding import Assertion

NAME = "assertion-traps"
FILE = "traps.tsv"
COLUMNS = ("id", "encounter", "offers", "text")
NONE = "-"

Encounter = Literal["outpatient", "inpatient"]

_MARK = re.compile(r"\{(?P<said>[a-z~]+) (?P<codes>\S+) (?P<words>[^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Words [start, end) of a trap.

    said:  the assertions that are right; more than one where careful readers differ
    codes: beginnings of the codes that the words would be coded with were they present; may be empty
    """

    start: int
    end: int
    said: frozenset[Assertion]
    codes: tuple[str, ...]

    def counts(self, encounter: Encounter) -> bool:
        """Whether the finding is to be coded: present, or possible in an inpatient (guidelines II.H and IV.H)."""
        possible = self.said == {Assertion.POSSIBLE} and encounter == "inpatient"
        return possible or Assertion.PRESENT in self.said


@dataclass(frozen=True, slots=True)
class Trap:
    """One note. offers: beginnings of the codes that it supports by what it says of the past or of relatives."""

    id: str
    encounter: Encounter
    offers: tuple[str, ...]
    text: str = field(repr=False)
    findings: tuple[Finding, ...] = field(repr=False)


def read_traps(folder: Path) -> Sequence[Trap]:
    """The traps of a folder in the order of its file. Raises CorpusError for a malformed one, by its line."""
    file = folder / FILE
    lines = list(read_lines(file))
    if not lines or tuple(lines[0][1].split("\t")) != COLUMNS:
        raise CorpusError(f"{file} line 1: expected the columns {', '.join(COLUMNS)}")
    traps = []
    for number, line in lines[1:]:
        try:
            traps.append(_trap(line))
        except ValueError as error:
            raise CorpusError(f"{file} line {number}: {error}") from None
    if len({trap.id for trap in traps}) != len(traps):
        raise CorpusError(f"{file} names a trap twice")
    return traps


def _trap(line: str) -> Trap:
    fields = line.split("\t")
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} fields, expected {len(COLUMNS)}")
    name, encounter, offers, marked = fields
    if encounter not in get_args(Encounter):
        raise ValueError(f"no such encounter, expected one of {', '.join(get_args(Encounter))}")
    marked = marked.replace("\\n", "\n")
    findings = tuple(_findings(marked))
    text = _MARK.sub(lambda found: found["words"], marked)
    if not findings or "{" in text or "}" in text:
        raise ValueError("expected findings marked as {assertion codes words}")
    return Trap(name, "inpatient" if encounter == "inpatient" else "outpatient", _codes(offers), text, findings)


def _findings(marked: str) -> Iterator[Finding]:
    taken = 0  # characters of markup before the place
    for found in _MARK.finditer(marked):
        start = found.start() - taken
        end = start + len(found["words"])
        taken += len(found.group()) - len(found["words"])
        yield Finding(start, end, _assertions(found["said"]), _codes(found["codes"]))


def _assertions(said: str) -> frozenset[Assertion]:
    try:
        return frozenset(map(Assertion, said.split("~")))
    except ValueError:
        raise ValueError(f"no such assertion, expected {', '.join(Assertion)}") from None


def _codes(value: str) -> tuple[str, ...]:
    return () if value == NONE else tuple(value.split(","))
