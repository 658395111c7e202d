"""The unit of work: a stretch of one input file that is coded by one worker and answered by one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """One input file.

    name:   how answers name it: its path below the folder that was given, or its own name
    rows:   rows of a table, lines of ndjson (blank ones too)
    starts: of ndjson, the byte of the uncompressed text at which each part begins
    """

    path: Path
    name: str
    bytes: int
    sha256: str
    rows: int
    starts: tuple[int, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether it is Parquet, not ndjson."""
        return self.name.endswith(".parquet")


@dataclass(frozen=True, slots=True)
class Part:
    """Rows [first, first + rows) of a source. offset: the byte where they begin, 0 in a table."""

    number: int
    source: int
    first: int
    rows: int
    offset: int

    @property
    def file(self) -> str:
        """The name of the file that answers it."""
        return f"part-{self.number:06d}.parquet"


@dataclass(frozen=True, slots=True)
class PartReport:
    """What came of a part. failure: why there is no file, in our own words; notes and failed are 0 then.

    notes, failed: rows that are answered, and those of them that are answered with a problem
    """

    number: int
    notes: int = 0
    failed: int = 0
    failure: str | None = None


def cut(sources: Sequence[Source], part_notes: int) -> Iterator[Part]:
    """The parts of all sources, the same whenever it is asked."""
    number = 0
    for place, source in enumerate(sources):
        for at, first in enumerate(range(0, source.rows, part_notes)):
            offset = source.starts[at] if source.starts else 0
            yield Part(number, place, first, min(part_notes, source.rows - first), offset)
            number += 1
