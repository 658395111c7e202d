"""Metrics of supporting words: span and token F1, exact and position-independent.

Definitions of Cheng et al. 2023, "MDACE: MIMIC Documents Annotated with Code Evidence" (metrics, tokens and trimming
as in its public evaluation code): counts are summed over notes, then turned into one micro F1. In each note a pair of
(what, code) counts once, however often it is returned.

    what              exact                    position-independent
    span F1           (start, end)             the span's words, lower case
    token F1          start of each token      each token, lower case
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from model.metrics.classification import harmonic

_TOKEN = re.compile(r"\w+")
_LARGEST_NUMBER = 10  # MDACE leaves larger numbers out, after Mullenbach
_LEFT_TRIM = "-.,/ \n\t)"
_RIGHT_TRIM = "-.,/ \n\t("


@dataclass(frozen=True, slots=True, order=True)
class Support:
    """Words that support a code: half-open [start, end) in code points of one text."""

    start: int
    end: int
    code: str


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives, false negatives; add them up over notes."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of what was returned that is gold; 0 when nothing was."""
        returned = self.right + self.wrong
        return self.right / returned if returned else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold that was returned; 0 when there is none."""
        gold = self.right + self.missed
        return self.right / gold if gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return harmonic(self.precision, self.recall)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The four MDACE counts; add them up over notes."""

    span_exact: Counts = Counts()
    span_anywhere: Counts = Counts()
    token_exact: Counts = Counts()
    token_anywhere: Counts = Counts()

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.span_exact + other.span_exact,
            self.span_anywhere + other.span_anywhere,
            self.token_exact + other.token_exact,
            self.token_anywhere + other.token_anywhere,
        )

    def f1(self) -> dict[str, float]:
        """Micro F1 of each of the four, by the names of the MDACE tables."""
        return {
            "span F1 exact": self.span_exact.f1,
            "span F1 position-independent": self.span_anywhere.f1,
            "token F1 exact": self.token_exact.f1,
            "token F1 position-independent": self.token_anywhere.f1,
        }


def compare(text: str, gold: Iterable[Support], returned: Iterable[Support]) -> Agreement:
    """Hold the evidence returned for one text against its gold. Spans are taken as they are: trim them first."""
    wanted, given = list(gold), list(returned)
    return Agreement(
        _count(set(wanted), set(given)),
        _count(_phrases(text, wanted), _phrases(text, given)),
        _count(_tokens(text, wanted, place=True), _tokens(text, given, place=True)),
        _count(_tokens(text, wanted, place=False), _tokens(text, given, place=False)),
    )


def tokenise(text: str) -> list[tuple[int, str]]:
    """The tokens that count, with their starts: runs of word characters, lower case, numbers above 10 left out."""
    found = ((match.start(), match.group()) for match in _TOKEN.finditer(text))
    return [(start, word.lower()) for start, word in found if not _large_number(word)]


def trim(text: str, span: Support) -> Support:
    """Take spaces, dashes, full stops, commas, slashes and a stray bracket off both edges; may leave nothing."""
    words = text[span.start : span.end]
    start = span.start + len(words) - len(words.lstrip(_LEFT_TRIM))
    end = span.end - (len(words) - len(words.rstrip(_RIGHT_TRIM)))
    return Support(start, max(start, end), span.code)


def without_evidence(returned: Sequence[Sequence[object]]) -> float:
    """Share of returned codes whose list of evidence spans is empty; 0 when no code was returned."""
    return sum(not spans for spans in returned) / len(returned) if returned else 0.0


def _count(gold: AbstractSet[Hashable], returned: AbstractSet[Hashable]) -> Counts:
    return Counts(len(gold & returned), len(returned - gold), len(gold - returned))


def _phrases(text: str, spans: Iterable[Support]) -> set[Hashable]:
    return {(text[span.start : span.end].lower(), span.code) for span in spans}


def _tokens(text: str, spans: Iterable[Support], place: bool) -> set[Hashable]:
    """(token, code), and where it starts when place is asked for. A span's own words are cut, not the text's."""
    return {
        (span.start + start if place else word, span.code)
        for span in spans
        for start, word in tokenise(text[span.start : span.end])
    }


def _large_number(word: str) -> bool:
    return word.isdecimal() and int(word) > _LARGEST_NUMBER
