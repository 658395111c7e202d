"""A batch whenever the device is free, never a wait for more. Two threads, each with a call of the coder at a time.

    submit -> lanes -> take -> coder -> future of each note, as soon as its coding is there

The second batch begins when of the first one note is left: one note cannot fill all cores to its end, and two batches
at once from their beginnings would keep each other's notes waiting. A batch that fails is halved until the note that
breaks is alone. A note whose future was cancelled, because its client has left, is not run; one whose deadline passed
is answered with DeadlineExceeded.
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

WORKERS: Final = 2
_LEFT: Final = 1  # notes without an answer that let the next batch begin
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


@dataclass(slots=True)
class _Worker:
    """What one thread does. beat: when it turned or called the coder, whichever was last; batch: what it runs."""

    thread: threading.Thread
    beat: float
    batch: Sequence[Entry] = ()

    @property
    def died(self) -> bool:
        """Whether the thread was started and is over."""
        return self.thread.ident is not None and not self.thread.is_alive()


class Batcher:
    """Hands entries to their coders. Thread-safe."""

    def __init__(self, limits: ServingLimits, metrics: Metrics) -> None:
        self._lanes: Lanes[Entry] = Lanes()
        self._changed = threading.Condition()  # guards all that follows but the metrics
        self._closed = False
        self._limits = limits
        self._metrics = metrics
        self._throughput = Throughput()
        self._accounted = 0.0  # up to when the time with a batch running is in the throughput
        self._workers = [
            _Worker(threading.Thread(target=self._work, args=(place,), name=f"code-{place}"), time.monotonic())
            for place in range(WORKERS)
        ]
        metrics.queue.watch(lambda: sum(self.load().queued.values()), self.queue_age, self.heartbeat_age)

    def start(self) -> None:
        """Begin to work; returns at once."""
        for worker in self._workers:
            worker.beat = time.monotonic()
            worker.thread.start()

    def close(self) -> None:
        """Take nothing more and answer what waits with NotReady; the batches that run are finished."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def submit(self, entries: Sequence[Entry]) -> None:
        """Queue all entries, or raise NotReady and queue none."""
        with self._changed:
            if self._closed:
                raise NotReady("The service is stopping.")
            for entry in entries:
                self._lanes.add(entry)
            self._changed.notify_all()

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
            running = sum(entry.cost for worker in self._workers for entry in worker.batch)
        return Load(queued, running, self._throughput.per_second)

    def queue_age(self) -> float:
        """Seconds that the oldest entry has waited; 0 if nothing waits."""
        with self._changed:
            oldest = self._lanes.oldest()
        return 0.0 if oldest is None else time.monotonic() - oldest

    def heartbeat_age(self) -> float:
        """Seconds since the worker that has not been heard of for longest turned or called the coder."""
        return time.monotonic() - min(worker.beat for worker in self._workers)

    @property
    def stalled(self) -> bool:
        """Whether a worker died, or one call of a coder has run longer than the limit."""
        died = any(worker.died for worker in self._workers)
        return died or self.heartbeat_age() > self._limits.stall_seconds

    def _work(self, place: int) -> None:
        worker = self._workers[place]
        try:
            while not self._closed:
                self._next(worker)
                self._run(worker)
        except BaseException as error:
            # Threads print what ends them, message and all, and that may quote a note. /livez tells the rest.
            log_failure("worker died", error)
        finally:
            self._end(worker)

    def _next(self, worker: _Worker) -> None:
        """Give the worker the entries to run now; none after a second without any."""
        with self._changed:
            worker.beat = time.monotonic()
            if not self._closed and not (len(self._lanes) and self._room()):
                self._changed.wait(_IDLE_SECONDS)
            budgets = batch_budgets(self._limits, self._throughput.per_second)
            idle = self._closed or not self._room()
            taken, expired = ([], []) if idle else self._lanes.take(time.monotonic(), budgets)
            if taken and not any(other.batch for other in self._workers):
                self._accounted = time.monotonic()
            worker.batch = [entry for entry in taken if entry.future.set_running_or_notify_cancel()]
        for entry in expired:
            _answer(entry, DeadlineExceeded("The note was not reached before its deadline."))

    def _room(self) -> bool:
        """Whether a batch may begin beside what runs."""
        left = sum(not entry.future.done() for worker in self._workers for entry in worker.batch)
        return left <= _LEFT

    def _run(self, worker: _Worker) -> None:
        batch = worker.batch
        if not batch:
            return
        begin = time.monotonic()
        for _, entries in groupby(batch, key=lambda entry: id(entry.coder)):  # a swap of the coder splits a batch
            self._code(worker, list(entries), begin)
        tokens = sum(entry.cost for entry in batch)
        with self._changed:
            now = time.monotonic()  # batches share their time: each second of it counts once
            self._throughput, self._accounted = self._throughput.after(tokens, now - self._accounted), now
            worker.batch = ()
            self._changed.notify_all()
        self._metrics.queue.observe_batch(len(batch), tokens)

    def _code(self, worker: _Worker, entries: Sequence[Entry], begin: float) -> None:
        worker.beat = time.monotonic()
        coder = entries[0].coder
        notes, options = [entry.work.note for entry in entries], [entry.work.options for entry in entries]

        def tell(place: int, coding: Coding) -> None:
            _answer(entries[place], _timed(coding, begin - entries[place].arrived))
            with self._changed:
                self._changed.notify()  # the other worker may have waited for it

        try:
            if isinstance(coder, TellingCoder):  # who is answered early may ask again before the worker is free
                coder.code_telling(notes, options, tell)
            else:
                for place, (_, coding) in enumerate(zip(entries, coder.code(notes, options), strict=True)):
                    tell(place, coding)
        except Exception as error:
            self._halve(worker, [entry for entry in entries if not entry.future.done()], begin, error)

    def _halve(self, worker: _Worker, entries: Sequence[Entry], begin: float, error: Exception) -> None:
        if not entries:
            return
        if len(entries) == 1:
            log_failure("coding failed", error, entries[0].request_id)
            self._metrics.count_failure(error)
            _answer(entries[0], CodingFailed(_FAILED))
            return
        middle = len(entries) // 2
        self._code(worker, entries[:middle], begin)
        self._code(worker, entries[middle:], begin)

    def _end(self, worker: _Worker) -> None:
        with self._changed:
            self._closed = True
            waiting = self._lanes.drain()
            self._changed.notify_all()
        for entry in (*worker.batch, *waiting):
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
