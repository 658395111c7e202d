"""From raw times to figures. A note's time is the median of its repeats; ratios are of such times, note by note."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.evaluation.bench import Measured, Milliseconds
from app.evaluation.contenders import COARSE, EXACT
from app.evaluation.run import CONTRACT_TOP_K
from model.metrics.ranking import agreement

Figures = dict[str, Any]
SEARCH_STAGES = ("search64", "rescore256", "rescore768")


def figures(measured: Measured) -> Figures:
    """Everything that the report states, except the machine and the versions."""
    return {
        "notes": {
            "measured": len(measured.tokens),
            "skipped": measured.skipped,
            "tokens": _spread(measured.tokens),
            "spans": _spread(measured.spans),
        },
        "stages": stages(measured.stages),
        "pipeline": pace(measured.whole, measured.tokens) | percentiles(measured.whole),
        "encoder": encoder(measured),
        "searches": {name: compare(measured, name) for name in measured.searches},
    }


def stages(taken: dict[str, Milliseconds]) -> dict[str, Figures]:
    """Each stage's share of the sum of the stages, and its times."""
    sums = {name: float(per_note(times).sum()) for name, times in taken.items()}
    total = sum(sums.values())
    return {name: {"share": sums[name] / total} | percentiles(times) for name, times in taken.items()}


def pace(times: Milliseconds, tokens: npt.NDArray[np.int64]) -> Figures:
    """Notes and tokens per second, one note at a time."""
    seconds = float(per_note(times).sum()) / 1000
    return {"notes_per_second": len(times) / seconds, "tokens_per_second": float(tokens.sum()) / seconds}


def encoder(measured: Measured) -> Figures:
    """The encoder alone, and how many times longer than the three search stages it takes."""
    search = sum((per_note(measured.stages[name]) for name in SEARCH_STAGES), np.zeros(len(measured.tokens)))
    return {
        "tokens_per_second": pace(measured.encoder, measured.tokens)["tokens_per_second"],
        "times_the_cascade": ratios(per_note(measured.encoder), search),
    }


def compare(measured: Measured, name: str) -> Figures:
    """One search against exact search and against the first stage alone, over the same spans."""
    mine = per_note(measured.searches[name])
    pairs = zip(measured.found[name], measured.found[EXACT], strict=True)
    return {
        "top20_agreement": float(np.mean([agreement(found, exact, CONTRACT_TOP_K) for found, exact in pairs])),
        "exact_takes_times": ratios(per_note(measured.searches[EXACT]), mine),
        "takes_times_64d": ratios(mine, per_note(measured.searches[COARSE])),
    } | percentiles(measured.searches[name])


def per_note(times: Milliseconds) -> Milliseconds:
    """The median of each note's repeats: (N, R) -> (N,)."""
    return np.asarray(np.median(times, axis=1), dtype=np.float64)


def ratios(times: Milliseconds, others: Milliseconds) -> Figures:
    """times / others of each note: the median note, and the two ends."""
    found = times / others
    return {"median": float(np.median(found)), "least": float(found.min()), "most": float(found.max())}


def percentiles(times: Milliseconds) -> Figures:
    """p50 and p95 of all notes and repeats."""
    p50, p95 = np.percentile(times, (50, 95)).tolist()
    return {"p50_ms": p50, "p95_ms": p95}


def _spread(counts: npt.NDArray[np.int64]) -> Figures:
    return {"median": float(np.median(counts)), "least": int(counts.min()), "most": int(counts.max())}
