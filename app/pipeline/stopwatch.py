"""Wall time per stage of one note or one batch of notes."""

from __future__ import annotations

import time


class Stopwatch:
    """`mark(stage)` adds the time since the last mark to that stage."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.milliseconds: dict[str, float] = {}

    def mark(self, stage: str) -> None:
        """The time since the last mark belongs to this stage."""
        now = time.perf_counter()
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + 1000 * (now - self._last)
        self._last = now
