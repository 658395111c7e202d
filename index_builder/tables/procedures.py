"""What US clinicians call operations: names for places of ICD-10-PCS codes, which no official table holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROCEDURES: Final = Path(__file__).with_name("procedures.tsv")
LENGTH: Final = 7
_APPROACH = 4  # place of the approach, counted from 0
_PLACE = re.compile(r"\[[^]]+\]|.")


@dataclass(frozen=True, slots=True)
class Named:
    """Names of all codes that fit the places. approached: the places say by which approach, and the names need not."""

    places: re.Pattern[str]
    start: str
    approached: bool
    names: tuple[str, ...]


def load_procedures(file: Path = PROCEDURES) -> Iterator[Named]:
    """The rows `places<TAB>names`; lines that begin with # are comments. start: what stands before the first choice."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            places, names = line.split("\t")
            yield _named(places, tuple(names.split("; ")))


def _named(written: str, names: tuple[str, ...]) -> Named:
    places = _PLACE.findall(written)
    any_approach = len(places) <= _APPROACH or places[_APPROACH] == "?" or len(places[_APPROACH]) > 1
    chosen = next((at for at, place in enumerate(places) if len(place) > 1 or place == "?"), len(places))
    fits = "".join("." if place == "?" else place for place in places)
    return Named(re.compile(fits + "." * (LENGTH - len(places))), "".join(places[:chosen]), not any_approach, names)
