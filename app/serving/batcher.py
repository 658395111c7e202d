"""A batch whenever the device is free, never a wait for more. One thread, one call of the coder at a time.

    submit -> lanes -> take -> coder -> future of each note, as soon as its coding is there

A batch that fails is halved until the note that breaks is alone. A note whose future was cancelled, because its client
has left, is not run; one whose deadline passed is answered with DeadlineExceeded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from app.errors import CodingFailed, DeadlineExceeded, NotReady
from app.pipeline.coder import Coder, TellingCoder
from app.pipeline.coding import Coding
from app.serving.lanes import Lanes
from app.serving.limits import ServingLimits
from app.serving.load import Load, Throughput, batch_budgets
from app.serving.logs import log_failure
from app.serving.metrics import Metrics
from app.serving.work import Lane, Outcome, Work

_IDLE_SECONDS: Final = 1.0  # an idle worker shows its heartbeat this often
_FAILED: Final = "The service failed on this note. The request id finds the cause in its log."


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A note that waits for its turn. arrived and deadline are of time.monotonic(); cost is in tokens."""

    coder: Coder
    work: Work
    lane: Lane
    cost: int
    request_id: str
    arrived: float
    deadline: float
    future: Future[Outcome] = field(default_factory=Future, repr=False)


class Batcher:
    """Hands entries to their coders. Thread-safe."""

    def __init__(self, limits: ServingLimits, metrics: Metrics) -> None:
        self._lanes: Lanes[Entry] = Lanes()
        self._changed = threading.Condition()  # guards the lanes and _closed
        self._closed = False
        self._limits = limits
        self._metrics = metrics
        self._throughput = Throughput()
        self._running = 0
        self._beat = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="code")
        metrics.queue.watch(lambda: sum(self.load().queued.values()), self.queue_age, self.heartbeat_age)

    def start(self) -> None:
        """Begin to work; returns at once."""
        self._beat = time.monotonic()
        self._thread.start()

    def close(self) -> None:
        """Take nothing more and answer what waits with NotReady; the batch that runs is finished."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def submit(self, entries: Sequence[Entry]) -> None:
        """Queue all entries, or raise NotReady and queue none."""
        with self._changed:
            if self._closed:
                raise NotReady("The service is stopping.")
            for entry in entries:
                self._lanes.add(entry)
            self._changed.notify()

    def withdraw(self, entries: Sequence[Entry]) -> None:
        """Cancel what has not begun to run. Its tokens and its text leave the queue at once."""
        with self._changed:
            for entry in entries:
                if entry.future.cancel():
                    self._lanes.remove(entry)

    def load(self) -> Load:
        """Tokens that wait and run, and the measured speed."""
        with self._changed:
            queued = {lane: self._lanes.tokens(lane) for lane in Lane}
        return Load(queued, self._running, self._throughput.per_second)

    def queue_age(self) -> float:
        """Seconds that the oldest entry has waited; 0 if nothing waits."""
        with self._changed:
            oldest = self._lanes.oldest()
        return 0.0 if oldest is None else time.monotonic() - oldest

    def heartbeat_age(self) -> float:
        """Seconds since the worker turned or called the coder, whichever was last."""
        return time.monotonic() - self._beat

    @property
    def stalled(self) -> bool:
        """Whether the worker died, or one call of a coder has run longer than the limit."""
        died = self._thread.ident is not None and not self._thread.is_alive()
        return died or self.heartbeat_age() > self._limits.stall_seconds

    def _work(self) -> None:
        batch: list[Entry] = []
        try:
            while not self._closed:
                batch = self._next()
                self._run(batch)
        except BaseException as error:
            # Threads print what ends them, message and all, and that may quote a note. /livez tells the rest.
            log_failure("worker died", error)
        finally:
            self._end(batch)

    def _next(self) -> list[Entry]:
        """The entries to run now; empty after a second without any."""
        with self._changed:
            self._beat = time.monotonic()
            if not len(self._lanes) and not self._closed:
                self._changed.wait(_IDLE_SECONDS)
            budgets = batch_budgets(self._limits, self._throughput.per_second)
            taken, expired = ([], []) if self._closed else self._lanes.take(time.monotonic(), budgets)
            batch = [entry for entry in taken if entry.future.set_running_or_notify_cancel()]
            self._running = sum(entry.cost for entry in batch)
        for entry in expired:
            _answer(entry, DeadlineExceeded("The note was not reached before its deadline."))
        return batch

    def _run(self, batch: Sequence[Entry]) -> None:
        if not batch:
            return
        begin = time.monotonic()
        for _, entries in groupby(batch, key=lambda entry: id(entry.coder)):  # a swap of the coder splits a batch
            self._code(list(entries), begin)
        self._throughput = self._throughput.after(self._running, time.monotonic() - begin)
        self._metrics.queue.observe_batch(len(batch), self._running)
        self._running = 0

    def _code(self, entries: Sequence[Entry], begin: float) -> None:
        self._beat = time.monotonic()
        coder = entries[0].coder
        notes, options = [entry.work.note for entry in entries], [entry.work.options for entry in entries]

        def tell(place: int, coding: Coding) -> None:
            _answer(entries[place], _timed(coding, begin - entries[place].arrived))

        try:
            if isinstance(coder, TellingCoder):  # who is answered early may ask again before the worker is free
                coder.code_telling(notes, options, tell)
            else:
                for place, (_, coding) in enumerate(zip(entries, coder.code(notes, options), strict=True)):
                    tell(place, coding)
        except Exception as error:
            self._halve([entry for entry in entries if not entry.future.done()], begin, error)

    def _halve(self, entries: Sequence[Entry], begin: float, error: Exception) -> None:
        if not entries:
            return
        if len(entries) == 1:
            log_failure("coding failed", error, entries[0].request_id)
            self._metrics.count_failure(error)
            _answer(entries[0], CodingFailed(_FAILED))
            return
        middle = len(entries) // 2
        self._code(entries[:middle], begin)
        self._code(entries[middle:], begin)

    def _end(self, batch: Sequence[Entry]) -> None:
        with self._changed:
            self._closed = True
            waiting = self._lanes.drain()
        for entry in (*batch, *waiting):
            if not entry.future.done():
                _answer(entry, NotReady("The service is stopping."))


def _answer(entry: Entry, outcome: Outcome) -> None:
    """Once: of a batch that failed a share may still run while its notes are coded again."""
    with suppress(InvalidStateError):
        if entry.future.done():
            return
        if entry.future.running() or entry.future.set_running_or_notify_cancel():
            entry.future.set_result(outcome)


def _timed(coding: Coding, queue_seconds: float) -> Coding:
    return replace(coding, timings_ms={"queue": 1000 * queue_seconds, **coding.timings_ms})
