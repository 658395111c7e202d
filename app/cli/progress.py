"""How a build shows where it is: bars on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from index_builder.embedding import Progress as ProgressCallback

LINE_EVERY = 5.0  # seconds between plain lines of one stage


class BarProgress:
    """One bar per stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Move the stage's bar."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)


class LineProgress:
    """A line when a stage begins, when it ends, and every few seconds in between."""

    def __init__(self) -> None:
        self._stage = ""
        self._said = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say where the stage is, when it is time to."""
        now = time.monotonic()
        if stage == self._stage and done < total and now - self._said < LINE_EVERY:
            return
        self._stage, self._said = stage, now
        print(f"{stage}: {100 * done // max(total, 1)} %", file=sys.stderr, flush=True)


class BuildClock:
    """Passes progress on, and measures how long the encoding took and what share of it this run did."""

    def __init__(self, shown: ProgressCallback) -> None:
        self._shown = shown
        self._started: float | None = None
        self._found = 0
        self.encode_seconds = 0.0
        self.encoded_share = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Measure, then pass on."""
        if stage == "encode":
            self._measure(done, total)
        self._shown(stage, done, total)

    @property
    def encoded(self) -> bool:
        """Whether there was anything to encode, or chunks of it to be found finished."""
        return self._started is not None

    def _measure(self, done: int, total: int) -> None:
        if self._started is None:
            self._started, self._found = time.monotonic(), done
            return
        self.encode_seconds = time.monotonic() - self._started
        self.encoded_share = (done - self._found) / max(total, 1)


@contextmanager
def shown_progress() -> Iterator[ProgressCallback]:
    """Bars where stderr is a terminal, plain lines where it is not."""
    if not sys.stderr.isatty():
        yield LineProgress()
        return
    columns = (TextColumn("{task.description:>8}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield BarProgress(bars)
