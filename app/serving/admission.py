"""The one way to the batcher, whatever asks: a single note, a batch, a backlog. Refuses early rather than late."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from app.access.caller import ANONYMOUS_ID
from app.access.limits import NO_LIMITS, CallerLimits
from app.access.quotas import Quotas
from app.errors import DeadlineExceeded, Overloaded, RateLimited
from app.pipeline.coder import Coder
from app.pipeline.coding import Coding
from app.serving.answered import Answered, Watch
from app.serving.batcher import Batcher, Entry
from app.serving.limits import ServingLimits
from app.serving.load import Load
from app.serving.metrics import Metrics
from app.serving.queue_metrics import ShedReason
from app.serving.work import Lane, Outcome, Work, estimate_tokens

_MARGIN: Final = 0.8  # of the deadline: what is admitted should also be answered in time
_DETAILS: Final[dict[ShedReason, str]] = {
    "queue": "The queue is full.",
    "wait": "The queue is so long that this request would not be answered in time.",
    "concurrency": "Too many requests of this client are waiting.",
}


def refusal(load: Load, lane: Lane, cost: int, limits: ServingLimits) -> ShedReason | None:
    """Why a request of cost tokens is not admitted now, or None. An empty lane takes a request of any size."""
    queued = load.queued[lane]
    if not queued:
        return None
    if queued + cost > limits.queue_tokens:
        return "queue"
    return "wait" if load.wait(lane, cost) > _MARGIN * limits.deadline_seconds else None


class Admission:
    """Admits, waits, and lets go of what nobody waits for any longer. Lives on one event loop."""

    def __init__(
        self, batcher: Batcher, limits: ServingLimits, metrics: Metrics, watches: Sequence[Watch] = ()
    ) -> None:
        self._batcher = batcher
        self._limits = limits
        self._metrics = metrics
        self._watches = watches
        self._open: Counter[str] = Counter()
        self._quotas = Quotas()

    @property
    def deadline_seconds(self) -> float:
        """The longest that a note is waited for."""
        return self._limits.deadline_seconds

    async def run(
        self,
        coder: Coder,
        works: Sequence[Work],
        lane: Lane,
        request_id: str,
        key: str = ANONYMOUS_ID,
        limits: CallerLimits = NO_LIMITS,
    ) -> list[Outcome]:
        """One outcome per work, in their order: a coding, or the error that answers this note alone.

        key and limits are those of the caller. All works are admitted or none: raises Overloaded, RateLimited or
        NotReady then. If the task is cancelled, what has not
        begun to run never runs.
        """
        if not works:
            return []
        arrived = time.time_ns()
        with self._counted(key, limits, lane):
            entries = self._entries(coder, works, lane, request_id)
            tokens = sum(entry.cost for entry in entries)
            self._check(lane, tokens)
            self._charge(key, limits, len(entries), tokens)
            self._batcher.submit(entries)
            self._metrics.queue.count_admitted(lane, len(entries))
            outcomes = await self._outcomes(entries)
        self._observe(coder, works, outcomes, arrived)
        return outcomes

    @contextmanager
    def _counted(self, key: str, limits: CallerLimits, lane: Lane) -> Iterator[None]:
        most = self._limits.key_concurrency if limits.concurrency is None else limits.concurrency
        if self._open[key] >= most:
            raise self._refused("concurrency", lane)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    def _check(self, lane: Lane, cost: int) -> None:
        if reason := refusal(self._batcher.load(), lane, cost, self._limits):
            raise self._refused(reason, lane)

    def _charge(self, key: str, limits: CallerLimits, notes: int, tokens: int) -> None:
        try:
            self._quotas.take(key, limits, notes, tokens)
        except RateLimited:
            self._metrics.queue.count_shed("rate")
            raise

    def _refused(self, reason: ShedReason, lane: Lane) -> Overloaded:
        self._metrics.queue.count_shed(reason)
        return Overloaded(_DETAILS[reason], retry_after=self._batcher.load().retry_after(lane))

    def _entries(self, coder: Coder, works: Sequence[Work], lane: Lane, request_id: str) -> list[Entry]:
        now = time.monotonic()
        deadline = now + self._limits.deadline_seconds
        return [Entry(coder, work, lane, estimate_tokens(work.note), request_id, now, deadline) for work in works]

    async def _outcomes(self, entries: Sequence[Entry]) -> list[Outcome]:
        waiting = [asyncio.wrap_future(entry.future) for entry in entries]
        try:
            # Not left to the worker alone: it may be busy with a long batch when the deadline passes.
            done, late = await asyncio.wait(waiting, timeout=entries[0].deadline - time.monotonic())
        except asyncio.CancelledError:
            self._batcher.withdraw(entries)
            raise
        if late:
            self._batcher.withdraw(entries)
        return [future.result() if future in done else self._late(entries[0].lane) for future in waiting]

    def _late(self, lane: Lane) -> DeadlineExceeded:
        detail = f"No answer within {self._limits.deadline_seconds:g} seconds."
        return DeadlineExceeded(detail, retry_after=self._batcher.load().retry_after(lane))

    def _observe(self, coder: Coder, works: Sequence[Work], outcomes: Sequence[Outcome], arrived: int) -> None:
        for work, outcome in zip(works, outcomes, strict=True):
            if isinstance(outcome, Coding):
                characters = sum(len(document.text) for document in work.note.documents)
                returned = len(outcome.codes) + len(outcome.candidates)
                self._metrics.observe_coding(outcome.timings_ms, characters, returned, outcome.stopped_after)
                for watch in self._watches:
                    watch(Answered(coder, work, outcome, arrived))
        self._metrics.queue.count_expired(sum(isinstance(outcome, DeadlineExceeded) for outcome in outcomes))
