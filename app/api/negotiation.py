"""Which of the offered media types an Accept header asks for (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_QUALITY: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_FHIR_VERSIONS: Final = ("4.0", "4.0.1")


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of an Accept header. fhir_version: its parameter, which FHIR uses to name a release."""

    kind: str
    subtype: str
    quality: float
    fhir_version: str | None

    @property
    def specificity(self) -> int:
        """0 for */*, 1 for type/*, 2 for one type."""
        return (self.kind != "*") + (self.subtype != "*")

    def covers(self, offered: str) -> bool:
        """Whether an offered type is in this range; another release of FHIR than R4 is in none."""
        kind, _, subtype = offered.partition("/")
        named = self.kind in ("*", kind) and self.subtype in ("*", subtype)
        return named and self.fhir_version in (None, *_FHIR_VERSIONS)


def choose(accept: str, offered: Sequence[str]) -> str | None:
    """The offered type that the client likes best; None when it takes none of them.

    A type has the quality of the narrowest range that covers it. Of equals the one that is named more narrowly wins,
    then the one that the client names first, then the one that is offered first. Entries that are no media range
    are passed over.

    >>> choose("text/html, application/*;q=0.8", ("application/json", "application/fhir+json"))
    'application/json'
    """
    if not accept.strip():
        return offered[0]
    ranges = list(_ranges(accept))
    liked = {name: rank for name in offered if (rank := _rank(name, ranges)) is not None}
    return max(liked, key=lambda name: liked[name], default=None)


def _rank(offered: str, ranges: Sequence[MediaRange]) -> tuple[float, int, int] | None:
    covering = [(one.specificity, -place, one.quality) for place, one in enumerate(ranges) if one.covers(offered)]
    if not covering:
        return None
    specificity, place, quality = max(covering)
    return (quality, specificity, place) if quality > 0 else None


def _ranges(accept: str) -> Iterator[MediaRange]:
    for entry in accept.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        kind, slash, subtype = name.partition("/")
        values = dict(_parameter(text) for text in parameters)
        if slash and kind and subtype and _QUALITY.fullmatch(values.get("q", "1")):
            yield MediaRange(kind, subtype, float(values.get("q", "1")), values.get("fhirversion"))


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip().strip('"')
