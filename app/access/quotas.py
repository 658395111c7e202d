"""What callers have asked for lately, against their limits per minute: token buckets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from app.access.limits import CallerLimits
from app.errors import RateLimited

_MINUTE: Final = 60.0


class Bucket:
    """Holds as much as one minute allows, and fills evenly.

    A request larger than that is let through when the bucket is full, and leaves it in debt: a limit per minute must
    not forbid a single note of any size.
    """

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_minute = per_minute
        self._level = float(per_minute)
        self._filled = now

    def wait(self, cost: int, now: float) -> float:
        """Seconds until the cost may be taken; 0 if it may be now."""
        missing = min(cost, self._per_minute) - self._level_at(now)
        return max(0.0, missing * _MINUTE / self._per_minute)

    def take(self, cost: int, now: float) -> None:
        """Take the cost out."""
        self._level = self._level_at(now) - cost
        self._filled = now

    def _level_at(self, now: float) -> float:
        gained = (now - self._filled) * self._per_minute / _MINUTE
        return min(float(self._per_minute), self._level + gained)


class Quotas:
    """The buckets of all callers that have a limit. Lives on one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, int], Bucket] = {}

    def take(self, caller_id: str, limits: CallerLimits, notes: int, tokens: int) -> None:
        """Count notes and tokens; takes all or nothing. Raises RateLimited."""
        now = self._clock()
        costs = {("notes", limits.notes_per_minute): notes, ("tokens", limits.tokens_per_minute): tokens}
        wanted = [
            (self._bucket(caller_id, unit, most, now), unit, cost)
            for (unit, most), cost in costs.items()
            if most is not None
        ]
        waits = [(bucket.wait(cost, now), unit) for bucket, unit, cost in wanted]
        wait, unit = max(waits, default=(0.0, ""))
        if wait > 1e-6:  # less is rounding
            raise RateLimited(f"More {unit} than this caller may send in a minute.", retry_after=math.ceil(wait))
        for bucket, _, cost in wanted:
            bucket.take(cost, now)

    def _bucket(self, caller_id: str, unit: str, per_minute: int, now: float) -> Bucket:
        # A changed limit begins a new bucket, so that an operator who raises it helps at once.
        return self._buckets.setdefault((caller_id, unit, per_minute), Bucket(per_minute, now))
