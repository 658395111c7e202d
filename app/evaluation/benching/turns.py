"""Times of calls that are compared: they take turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

MILLISECONDS = 1000


def medians(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median milliseconds of each call over `repeats` rounds, after one round that is not timed."""
    names = list(calls)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for call in calls.values():
        call()
    for repeat in range(repeats):
        first = repeat % len(names)  # none of them always follows the same one
        for name in names[first:] + names[:first]:
            started = time.perf_counter()
            calls[name]()
            taken[name].append(MILLISECONDS * (time.perf_counter() - started))
    return {name: float(np.median(times)) for name, times in taken.items()}
