"""Learns where the search stages may stop, on coded notes that need no codes: the whole cascade is the teacher.

Each note is coded whole, and stopped after each stage; what is compared are the top_k codes that the last stage ranks.
What a stop is worth is measured on notes that the rule was not learned on (FOLDS, every note once), and so is its time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from app.evaluation.run import Progress
from app.pipeline.cascade import MIDDLE, SEARCH, STAGE_OF
from app.pipeline.note import CodingOptions, Note, stage_widths
from app.pipeline.trace import Trace
from model.retrieval.early_exit import EarlyExit, Example, Exit, agreement

FOLDS = 5
TARGETS = (0.9, 0.95, 0.98, 0.99)  # that are measured beside the one asked for
AFTER_SEARCH = 3  # codes for each one wanted that go on after search64; after rescore256 the whole shortlist does
LATE = ("rescore256", "rescore768", "attend", "assert", "decide")  # stages whose time a stop can spare


class Traceable(Protocol):
    """The part of a pipeline that this drives."""

    def trace(self, note: Note, options: CodingOptions) -> Trace:
        """One note through the cascade."""
        ...


@dataclass(frozen=True, slots=True)
class Timed:
    """One note: what it gives after each stage, and the milliseconds that it takes then; 0 = the whole cascade."""

    example: Example
    milliseconds: Mapping[int, float]


def kept_after(top_k: int) -> dict[int, int]:
    """How many codes go on to the last stage from each stage where a note may stop."""
    shortlist = stage_widths("balanced", top_k).shortlist
    return {SEARCH: min(AFTER_SEARCH * top_k, shortlist), MIDDLE: shortlist}


def read_notes(
    whole: Traceable,
    stopping: Callable[[EarlyExit], Traceable],
    notes: Sequence[Note],
    options: CodingOptions,
    tell: Progress,
) -> list[Timed]:
    """Every note whole and after each stage. stopping: the same pipeline under a rule."""
    kept = kept_after(options.top_k)
    stopped = {stage: stopping(EarlyExit.always(stage, options.top_k, kept)) for stage in kept}
    found = []
    for done, note in enumerate(notes, start=1):
        final = whole.trace(note, options)
        early = {stage: one.trace(note, options) for stage, one in stopped.items()}
        exits = {stage: Exit(trace.margins[stage], _answered(trace, options)) for stage, trace in early.items()}
        taken = {0: _late(final)} | {stage: _late(trace) for stage, trace in early.items()}
        found.append(Timed(Example(exits, _answered(final, options)), taken))
        tell("coding notes, whole and stopped", done, len(notes))
    return found


def learn(notes: Sequence[Timed], top_k: int, target: float, learned_with: str) -> EarlyExit:
    """The rule of all these notes. Raises ValueError without notes."""
    if not notes:
        raise ValueError("no notes to learn from")
    kept = kept_after(top_k)
    costs = {stage: float(np.mean([note.milliseconds[stage] for note in notes])) for stage in (0, *kept)}
    last = costs.pop(0)
    return EarlyExit.learn([note.example for note in notes], top_k, kept, costs, last, target, learned_with)


def measure(notes: Sequence[Timed], top_k: int, target: float, learned_with: str) -> dict[str, Any]:
    """The rule; what stopping every note would do; and what rules of other folds do on each fold, for some targets."""
    rule = learn(notes, top_k, target, learned_with)
    forced = {
        STAGE_OF[stage]: {
            "agreement": float(np.mean([agreement(n.example.exits[stage].answered, n.example.final) for n in notes])),
            "milliseconds": float(np.mean([n.milliseconds[stage] for n in notes])),
        }
        for stage in rule.kept
    }
    return {
        "notes": len(notes),
        "rule": asdict(rule),
        "milliseconds of the late stages, whole": float(np.mean([note.milliseconds[0] for note in notes])),
        "every note stopped": forced,
        "held out, by target": {str(one): held_out(notes, top_k, one) for one in sorted({target, *TARGETS})},
    }


def held_out(notes: Sequence[Timed], top_k: int, target: float) -> dict[str, Any]:
    """Every note by a rule of the other folds. Raises ValueError for a single note."""
    agreed, spent, stops = [], [], Counter[str]()
    for fold in range(FOLDS):
        rule = learn([note for at, note in enumerate(notes) if at % FOLDS != fold], top_k, target, "")
        for note in notes[fold::FOLDS]:
            stage = rule.taken(note.example)
            answered = note.example.final if stage is None else note.example.exits[stage].answered
            agreed.append(agreement(answered, note.example.final))
            spent.append(note.milliseconds[stage or 0])
            stops["rescore768" if stage is None else STAGE_OF[stage]] += 1
    return {
        "agreement": float(np.mean(agreed)),
        "least": float(np.min(agreed)),
        "milliseconds": float(np.mean(spent)),
        "stopped after": dict(sorted(stops.items())),
    }


def _answered(trace: Trace, options: CodingOptions) -> tuple[str, ...]:
    return trace.attend.codes[: options.top_k]


def _late(trace: Trace) -> float:
    return sum(trace.final.timings_ms.get(stage, 0.0) for stage in LATE)
