"""How well each way of finding evidence meets the words that coders marked, over the marked codes of the shortlists."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from app.evaluation.evidence_marks import MarkedNote, Span
from app.evaluation.evidence_ways import WAYS, Way, asked
from app.evaluation.run import Progress
from app.pipeline.note import CodingOptions, Note
from app.pipeline.trace import Examined
from index_builder.catalog import Catalog
from model.attention.label_attention import LabelAttention
from model.metrics.classification import harmonic
from model.metrics.evidence import Agreement, Support, compare, trim
from model.metrics.significance import approximate_randomization, micro_f1_of

SERVED = "phrases"  # the way of answers; the others are tested against it


class Examiner(Protocol):
    """The part of the pipeline that is measured."""

    @property
    def catalog(self) -> Catalog:
        """The loaded code set."""
        ...

    def examined(self, note: Note, options: CodingOptions) -> Examined:
        """A note and its ranked shortlist."""
        ...


@dataclass(slots=True)
class Tally:
    """One way over all notes. agreements: one a note; the others are counted over codes, spans and marks.

    first_meets, first_exact: codes whose heaviest span overlaps a mark, is a mark
    meeting, met: spans that overlap a mark, marks that a span overlaps; empty: codes without a span
    seconds: spent looking, once the last stage has ranked the codes
    """

    agreements: list[Agreement] = field(default_factory=list)
    codes: int = 0
    empty: int = 0
    first_meets: int = 0
    first_exact: int = 0
    spans: int = 0
    meeting: int = 0
    marks: int = 0
    met: int = 0
    words: int = 0
    seconds: float = 0.0

    def add(self, text: str, found: Mapping[int, Sequence[Span]], marks: Mapping[int, frozenset[Span]]) -> None:
        """The spans of a note's codes, by position, beside their marks."""
        gold = [_support(text, span, code) for code in found for span in sorted(marks[code])]
        given = [_support(text, span, code) for code, spans in found.items() for span in spans]
        self.agreements.append(compare(text, gold, given))
        for code, spans in found.items():
            self.codes += 1
            self.empty += not spans
            self.first_meets += any(_meet(spans[0], mark) for mark in marks[code]) if spans else 0
            self.first_exact += spans[0] in marks[code] if spans else 0
            self.spans += len(spans)
            self.meeting += sum(any(_meet(span, mark) for mark in marks[code]) for span in spans)
            self.marks += len(marks[code])
            self.met += sum(any(_meet(span, mark) for span in spans) for mark in marks[code])
            self.words += sum(len(text[start:end].split()) for start, end in spans)

    def figures(self) -> dict[str, float]:
        """Shares and F1 over everything added."""
        whole = sum(self.agreements, Agreement())
        precision, recall = self.meeting / max(1, self.spans), self.met / max(1, self.marks)
        return {
            "first span meets a mark": self.first_meets / max(1, self.codes),
            "first span is a mark": self.first_exact / max(1, self.codes),
            "partial F1": harmonic(precision, recall),
            "span F1": whole.span_exact.f1,
            "token F1": whole.token_exact.f1,
            "token precision": whole.token_exact.precision,
            "token recall": whole.token_exact.recall,
            "spans a code": self.spans / max(1, self.codes),
            "words a span": self.words / max(1, self.spans),
            "without": self.empty / max(1, self.codes),
            "ms a code": 1000 * self.seconds / max(1, self.codes),
        }


def measure_evidence(
    coder: Examiner,
    notes: Sequence[MarkedNote],
    options: CodingOptions,
    attention: LabelAttention | None,
    tell: Progress,
) -> dict[str, Any]:
    """Every way on the same codes; without an attention its way is left out. Spans are those of the notes as sent."""
    ways = {name: way for name, way in WAYS.items() if attention is not None or name != "attention"}
    tallies = {name: Tally() for name in ways}
    marked = 0
    for done, note in enumerate(notes, start=1):
        found, seconds = found_in(coder, note, options, attention, ways)
        for name, tally in tallies.items():
            tally.add(note.note.documents[0].text, found[name], note.marks)
            tally.seconds += seconds[name]
        marked += len(note.marks)
        tell("looking for evidence", done, len(notes))
    return {
        "notes": len(notes),
        "marked codes": marked,
        "shortlisted": tallies[SERVED].codes,
        "ways": {name: tally.figures() for name, tally in tallies.items()},
        "tests": [_test(name, tally, tallies[SERVED]) for name, tally in tallies.items() if name != SERVED],
    }


def found_in(
    coder: Examiner,
    note: MarkedNote,
    options: CodingOptions,
    attention: LabelAttention | None,
    ways: Mapping[str, Way],
) -> tuple[dict[str, dict[int, list[Span]]], dict[str, float]]:
    """By way and position the spans of the marked codes that are shortlisted, heaviest first; each way's seconds."""
    examined = coder.examined(note.note, options)
    positions = examined.scored.hits.positions.tolist()
    rows = [row for row, position in enumerate(positions) if position in note.marks]
    names = [coder.catalog.code_names[positions[row]] for row in rows]
    read = examined.note.segmented.note.documents[0]
    found: dict[str, dict[int, list[Span]]] = {name: {} for name in ways}
    started = time.perf_counter()
    codes = asked(examined, rows, names, attention)
    seconds = {name: time.perf_counter() - started if name == "attention" else 0.0 for name in ways}
    for row, one in zip(rows, codes, strict=True):
        for name, way in ways.items():
            started = time.perf_counter()
            spans = way(one)
            seconds[name] += time.perf_counter() - started
            found[name][positions[row]] = list(dict.fromkeys(read.as_sent(start, end)[:2] for start, end, _ in spans))
    return found, seconds


def _test(name: str, tally: Tally, served: Tally) -> dict[str, Any]:
    """Paired over notes: differences to the served way, and how likely chance makes them."""
    differences: dict[str, Any] = {"way": name}
    for metric in ("span_exact", "token_exact"):
        one, other = (
            np.array([_pairs(agreement, metric) for agreement in each.agreements], dtype=np.float64)
            for each in (tally, served)
        )
        tested = approximate_randomization(one, other, micro_f1_of)
        label = metric.removesuffix("_exact") + " F1"
        differences[label] = {"difference": tested.difference, "p_value": tested.p_value}
    return differences


def _pairs(agreement: Agreement, metric: str) -> tuple[int, int, int]:
    counts = getattr(agreement, metric)
    return counts.right, counts.right + counts.wrong, counts.right + counts.missed


def _support(text: str, span: Span, code: int) -> Support:
    return trim(text, Support(*span, str(code)))


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
