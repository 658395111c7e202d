"""One shard from the queue to its answers. May run twice, on two machines at once: the first answers are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from app.backlog.archive import Archive, Mark
from app.backlog.batch import Job
from app.backlog.batches import Batches, damaged_lines
from app.backlog.coding import Coded
from app.backlog.limits import ATTEMPTS
from app.backlog.lines import error_line, read_line
from app.backlog.metrics import BacklogMetrics
from app.backlog.settling import Settlement
from app.errors import BacklogKeyError, BacklogUnavailable, DamagedShard
from app.serving.logs import log_failure

_LOOK_SECONDS: Final = 1.0  # a cancelled batch is noticed within this time
_LONGEST_WAIT: Final = 30.0
_FAILURES: Final = 3
_GIVEN_UP: Final = "The service failed on the shard of this line."


class ShardWorker:
    """Lives on the event loop; store and crypto run in threads."""

    def __init__(
        self,
        batches: Batches,
        coder: Coded,
        settlement: Settlement,
        metrics: BacklogMetrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._batches = batches
        self._coder = coder
        self._settlement = settlement
        self._metrics = metrics
        self._sleep = sleep

    async def work(self, job: Job) -> None:
        """Answer a shard, however long the store is away. Raises CancelledError alone."""
        unreachable = failures = 0
        while True:
            try:
                return await self._work(job, given_up=failures >= _FAILURES)
            except BacklogKeyError as error:
                return log_failure("batch cannot be opened", error)  # the sweep brings it back
            except BacklogUnavailable as error:
                self._metrics.count_fault()
                if unreachable == 0:
                    log_failure("backlog unavailable", error)
                unreachable += 1
            except Exception as error:
                log_failure("shard failed", error)
                failures += 1
                if failures > _FAILURES:
                    return
            await self._sleep(min(_LONGEST_WAIT, 0.25 * 2.0 ** min(unreachable + failures, 10)))

    async def _work(self, job: Job, given_up: bool) -> None:
        archive = await asyncio.to_thread(self._batches.lookup, job.key)
        if archive is None:
            return
        if await asyncio.to_thread(_is_needed, archive, job.shard):
            try:
                await self._answer(archive, job.shard, given_up)
            except asyncio.CancelledError:
                with suppress(BacklogUnavailable):
                    await asyncio.to_thread(archive.put_back, job.shard)
                raise
        await asyncio.to_thread(self._settlement.settle, archive)

    async def _answer(self, archive: Archive, shard: int, given_up: bool) -> None:
        attempts = await asyncio.to_thread(self._begin, archive, shard)
        first, damaged = archive.record.firsts[shard], False
        try:
            lines = await asyncio.to_thread(archive.read_input, shard)
        except DamagedShard as error:
            log_failure("shard damaged", error)
            self._metrics.count_damaged()
            answers, damaged = damaged_lines(first, archive.record.shards[shard]), True
        else:
            if given_up or attempts > ATTEMPTS:
                answers = [
                    error_line(first + place, read_line(raw).custom_id, "internal", _GIVEN_UP)
                    for place, raw in enumerate(lines)
                ]
            elif (coded := await self._code(archive, first, lines)) is not None:
                answers = coded
            else:
                return  # cancelled
        await asyncio.to_thread(self._keep, archive, shard, answers, damaged)

    def _begin(self, archive: Archive, shard: int) -> int:
        archive.mark(Mark.BEGAN, self._batches.clock())
        return archive.attempt(shard)

    def _keep(self, archive: Archive, shard: int, answers: list[bytes], damaged: bool) -> None:
        archive.write_result(shard, answers, damaged)
        tally = archive.tallies()[shard]
        self._metrics.count_shard(tally.completed, tally.failed)

    async def _code(self, archive: Archive, first: int, lines: list[bytes]) -> list[bytes] | None:
        """The answers, or None once the batch is cancelled or gone."""
        coding = asyncio.ensure_future(self._coder.answer(archive.record.key, first, lines))
        try:
            while not coding.done():
                await asyncio.wait({coding}, timeout=_LOOK_SECONDS)
                if not coding.done() and await asyncio.to_thread(self._is_stopped, archive):
                    return None
            return coding.result()
        finally:
            coding.cancel()

    def _is_stopped(self, archive: Archive) -> bool:
        return archive.marked(Mark.CANCELLED) is not None or self._batches.lookup(archive.record.key) is None


def _is_needed(archive: Archive, shard: int) -> bool:
    """Whether a shard is to be coded. One that was answered before a crash is counted."""
    if shard in archive.answered():
        with suppress(DamagedShard):  # found again, and counted, when the batch is settled
            archive.restore_tally(shard)
        return False
    return all(archive.marked(mark) is None for mark in (Mark.CANCELLED, Mark.EXPIRED)) and archive.ending() is None
