"""The backlog as the routes see it: submit, show, list, cancel, results, delete; and what runs behind them.

Opened by the first request, or at start if something may be left from before: a service that never sees a batch has no
folder, no key and no queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.backlog.archive import Archive, Mark
from app.backlog.batch import Batch, Job, owner_of
from app.backlog.batches import Batches
from app.backlog.coding import Coded
from app.backlog.limits import BacklogLimits
from app.backlog.metrics import BacklogMetrics
from app.backlog.queue import JobQueue
from app.backlog.replicas import Replicas
from app.backlog.settling import Settlement
from app.backlog.sweeping import QUEUEING_SECONDS, Sweep
from app.backlog.worker import ShardWorker
from app.errors import BacklogUnavailable, NotReady, ServiceError
from app.serving.logs import log_failure

SWEEP_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What is opened: batches over store and keys, the queue, and the beats of this replica if there may be others."""

    batches: Batches
    queue: JobQueue
    replicas: Replicas | None = None
    close: Callable[[], None] = lambda: None


OpenParts = Callable[[asyncio.AbstractEventLoop], Parts]


@dataclass(frozen=True, slots=True)
class _Open:
    parts: Parts
    settlement: Settlement
    sweep: Sweep


class Backlog:
    """Lives on the event loop. open_parts is called in a thread; eager: at start already."""

    def __init__(
        self,
        open_parts: OpenParts,
        coder: Coded,
        metrics: BacklogMetrics,
        *,
        limits: BacklogLimits,
        eager: bool,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self.limits = limits
        self._open_parts = open_parts
        self._coder = coder
        self._metrics = metrics
        self._eager = eager
        self._sweep_seconds = sweep_seconds
        self._opening = asyncio.Lock()
        self._open: _Open | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(self) -> None:
        """Open in the background if something may be left from before; on the event loop."""
        if self._eager:
            self._spawn(self._open_eagerly())

    async def stop(self, timeout: float = _STOP_SECONDS) -> None:
        """Take no more shards and put back those in work; batches can still be read. Called again: nothing."""
        if self._stopping:
            return
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        async with self._opening:
            if self._open is not None:
                await self._open.parts.queue.stop(timeout)

    async def close(self) -> None:
        """Stop, and give up the store."""
        await self.stop()
        if self._open is not None:
            await asyncio.to_thread(self._open.parts.close)

    async def submit(self, caller_id: str, idempotency_key: str | None, chunks: AsyncIterator[bytes]) -> Batch:
        """Keep an upload of ndjson and queue it. Raises BodyTooLarge, InvalidField, IdempotencyMismatch, Overloaded."""
        opened = await self._require()
        if self._stopping:
            raise NotReady("The service is stopping.")
        batches = opened.parts.batches
        intake = await asyncio.to_thread(batches.begin, owner_of(caller_id), idempotency_key)
        try:
            async for chunk in chunks:
                await asyncio.to_thread(intake.upload.feed, chunk)
            archive, is_new = await asyncio.to_thread(batches.commit, intake)
        except BaseException:
            with suppress(BacklogUnavailable):  # the sweep removes what is left
                await asyncio.to_thread(batches.abort, intake)
            raise
        if is_new:
            self._spawn(self._queue(opened, archive))
        return await asyncio.to_thread(batches.show, archive)

    async def show(self, caller_id: str, batch_id: str) -> Batch:
        """A batch of the caller. Raises UnknownBatch."""
        batches, archive = await self._find(caller_id, batch_id)
        return await asyncio.to_thread(batches.show, archive)

    async def listing(self, caller_id: str, limit: int, after: str | None) -> tuple[list[Batch], bool]:
        """Batches of the caller, the newest first, and whether there are more."""
        opened = await self._require()
        return await asyncio.to_thread(opened.parts.batches.listing, owner_of(caller_id), limit, after)

    async def results(self, caller_id: str, batch_id: str) -> AsyncIterator[bytes]:
        """Lines that are answered, in the order of the input, some shards' worth at a time. Raises UnknownBatch."""
        batches, archive = await self._find(caller_id, batch_id)
        shards = await asyncio.to_thread(batches.results, archive)

        async def read() -> AsyncIterator[bytes]:
            while (lines := await asyncio.to_thread(next, shards, None)) is not None:
                yield b"\n".join(lines) + b"\n"

        return read()

    async def cancel(self, caller_id: str, batch_id: str) -> Batch:
        """Answer no further lines of a batch; one that has ended stays as it is. Raises UnknownBatch."""
        opened = await self._require()
        batches, archive = await self._find(caller_id, batch_id)

        def cancel() -> Batch:
            batches.cancel(archive)
            opened.settlement.settle(archive)
            return batches.show(archive)

        return await asyncio.to_thread(cancel)

    async def delete(self, caller_id: str, batch_id: str) -> None:
        """Remove a batch, ended or not: notes and results. Raises UnknownBatch."""
        opened = await self._require()
        batches, archive = await self._find(caller_id, batch_id)

        def delete() -> None:
            batches.doom(archive.record.key, archive.record.created)
            opened.parts.queue.forget(archive.record.key)

        await asyncio.to_thread(delete)

    async def sweep(self, patience: float = QUEUEING_SECONDS) -> None:
        """Do once what is done every few seconds."""
        opened = await self._require()
        await asyncio.to_thread(self._sweep, opened, patience)

    async def _find(self, caller_id: str, batch_id: str) -> tuple[Batches, Archive]:
        batches = (await self._require()).parts.batches
        return batches, await asyncio.to_thread(batches.find, owner_of(caller_id), batch_id)

    async def _queue(self, opened: _Open, archive: Archive) -> None:
        jobs = [Job(archive.record.key, shard) for shard in range(len(archive.record.shards))]

        def queue() -> None:
            opened.parts.queue.submit(jobs)
            archive.mark(Mark.QUEUED, opened.parts.batches.clock())

        try:
            await asyncio.to_thread(queue)
        except BacklogUnavailable as error:
            self._metrics.count_fault()
            log_failure("batch not queued yet", error)  # the sweep does it

    async def _require(self) -> _Open:
        if self._open is not None:
            return self._open
        async with self._opening:
            if self._open is None:
                if self._stopping:
                    raise NotReady("The service is stopping.")
                self._open = await self._open_now()
                self._spawn(self._keep_sweeping(self._open))
            return self._open

    async def _open_now(self) -> _Open:
        parts = await asyncio.to_thread(self._open_parts, asyncio.get_running_loop())
        settlement = Settlement(parts.batches, parts.queue, self._metrics)
        worker = ShardWorker(parts.batches, self._coder, settlement, self._metrics)
        opened = _Open(parts, settlement, Sweep(parts.batches, parts.queue, settlement, self._metrics))
        try:
            await asyncio.to_thread(parts.queue.start, worker.work)
        except BaseException:
            await asyncio.to_thread(parts.close)
            raise
        return opened

    async def _open_eagerly(self) -> None:
        pause = 1.0
        while self._open is None:
            try:
                await self._require()
            except ServiceError as error:
                log_failure("backlog cannot be opened", error)
                await asyncio.sleep(pause)
                pause = min(60.0, 2 * pause)

    async def _keep_sweeping(self, opened: _Open) -> None:
        patience = 0.0  # what is found at start, nobody is about to queue
        while True:
            try:
                await asyncio.to_thread(self._sweep, opened, patience)
                patience = QUEUEING_SECONDS
            except BacklogUnavailable as error:
                self._metrics.count_fault()
                log_failure("sweep put off", error)
            except Exception as error:
                log_failure("sweep failed", error)
            await asyncio.sleep(self._sweep_seconds)

    def _sweep(self, opened: _Open, patience: float) -> None:
        if opened.parts.replicas is not None:
            opened.parts.replicas.beat()
        opened.sweep.run(patience)

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
