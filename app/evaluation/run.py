"""Runs the pipeline object that the service uses over a coded corpus, and keeps what each stage handed on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.evaluation.corpora import CodedNote
from app.pipeline.coder import Versions
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note, WidthsName, stage_widths
from app.pipeline.trace import Ranking, Trace

STAGES = ("search64", "rescore256", "rescore768", "attend")
WIDTHS: tuple[WidthsName, ...] = ("card", "balanced")
CONTRACT_TOP_K = CodingOptions().top_k  # what a request that says nothing gets

Progress = Callable[[str, int, int], None]  # what is being done, done, total


class Traceable(Protocol):
    """The part of the pipeline that an evaluation drives."""

    @property
    def versions(self) -> Versions:
        """What answers are made with."""
        ...

    def trace(self, note: Note, options: CodingOptions, *, exact: bool = False, prefixes: bool = False) -> Trace:
        """One note through the cascade; exact and prefixes ask for the exhaustive searches beside it."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """A cascade that is compared with exact search."""

    widths: WidthsName
    top_k: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first notes again, by exhaustive search and by cascades of several widths. One ranking per note in each."""

    exact: list[Ranking]
    prefixes: dict[int, list[Ranking]]
    cascades: dict[Setting, list[Ranking]]


@dataclass(frozen=True, slots=True)
class Run:
    """What the pipeline said of each note, in the order of `notes`. seconds is wall time, exact search left out."""

    notes: Sequence[CodedNote]
    options: CodingOptions
    finals: list[Coding]
    stages: dict[str, list[Ranking]]
    seconds: list[float]
    comparison: Comparison | None


def options_for(
    top_k: int, widths: WidthsName, calibration: str, threshold: float | None, *, as_served: bool = False
) -> CodingOptions:
    """The options of an evaluation: headers may be answered, as corpora code them, and nothing is suppressed.

    as_served: billable codes only, and what the note denies is suppressed, as requests have it by default.
    """
    return CodingOptions(
        top_k=top_k,
        widths=widths,
        billable_only=as_served,
        assertion="filter" if as_served else "annotate",
        calibration=calibration,
        threshold=threshold,
    )


def run(
    coder: Traceable, notes: Sequence[CodedNote], options: CodingOptions, exact_notes: int, progress: Progress
) -> Run:
    """Code the notes one by one; compare the first `exact_notes` of them with exact search."""
    traces, seconds = [], []
    for done, coded in enumerate(notes, start=1):
        started = time.perf_counter()
        traces.append(coder.trace(coded.note, options))
        seconds.append(time.perf_counter() - started)
        progress("coding notes", done, len(notes))
    comparison = _compare(coder, notes[:exact_notes], options, traces, progress) if exact_notes else None
    stages = {stage: [handed_on(trace, stage, options) for trace in traces] for stage in STAGES}
    return Run(notes, options, [trace.final for trace in traces], stages, seconds, comparison)


def handed_on(trace: Trace, stage: str, options: CodingOptions) -> Ranking:
    """What a stage hands on: its ranking, cut at its width."""
    widths = stage_widths(options.widths, options.top_k)
    width = {"search64": widths.candidates, "rescore256": widths.rescored}.get(stage, widths.shortlist)
    ranking: Ranking = getattr(trace, stage)
    return Ranking(ranking.codes[:width], ranking.scores[:width])


def _compare(
    coder: Traceable,
    notes: Sequence[CodedNote],
    options: CodingOptions,
    traces: Sequence[Trace],
    progress: Progress,
) -> Comparison:
    """Both widths, at the contract's top_k (what users get) and at the evaluation's (what the metrics see)."""
    comparison = Comparison([], {}, {setting: [] for setting in _settings(options)})
    for done, (coded, traced) in enumerate(zip(notes, traces, strict=False), start=1):
        _add_exact(comparison, coder.trace(coded.note, options, exact=True, prefixes=True))
        for setting, rankings in comparison.cascades.items():
            chosen = replace(options, widths=setting.widths, top_k=setting.top_k)
            trace = traced if chosen == options else coder.trace(coded.note, chosen)
            rankings.append(trace.attend)
        progress("comparing with exact search", done, len(notes))
    return comparison


def _settings(options: CodingOptions) -> list[Setting]:
    depths = dict.fromkeys((CONTRACT_TOP_K, options.top_k))
    return [Setting(widths, top_k) for top_k in depths for widths in WIDTHS]


def _add_exact(comparison: Comparison, trace: Trace) -> None:
    if trace.exact768 is None:
        raise ValueError("the pipeline gave no exact ranking although one was asked for")
    comparison.exact.append(trace.exact768)
    for dimensions, ranking in trace.prefixes.items():
        comparison.prefixes.setdefault(dimensions, []).append(ranking)
