"""A queue in this process, for tests and for whoever embeds the backlog: a restart forgets it, the sweep refills it."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable

from app.backlog.batch import BatchKey, Job
from app.backlog.queue import Work


class MemoryQueue:
    """Runs so many jobs at once, in the order in which they came."""

    def __init__(self, loop: asyncio.AbstractEventLoop, concurrency: int) -> None:
        self._loop = loop
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._known: dict[str, Job] = {}
        self._running: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._work: Work | None = None

    def start(self, work: Work) -> None:
        """Begin to take jobs."""
        self._work = work
        self._wake()

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs that are not known."""
        with self._lock:
            new = {job.id: job for job in jobs if job.id not in self._known}
            self._known |= new
            self._jobs |= new
        self._wake()

    def resubmit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs anew."""
        jobs = list(jobs)
        with self._lock:
            for job in jobs:
                self._known.pop(job.id, None)
        self.submit(jobs)

    def waiting(self, key: BatchKey) -> set[int]:
        """Shards that are queued or in work."""
        with self._lock:
            return {job.shard for job in (*self._jobs.values(), *self._running.values()) if job.key == key}

    def forget(self, key: BatchKey) -> None:
        """Remove a batch's jobs."""
        with self._lock:
            for known in (self._jobs, self._known):
                for name in [name for name, job in known.items() if job.key == key]:
                    del known[name]

    def sweep(self) -> None:
        """No other process has jobs of this one."""

    async def stop(self, timeout: float) -> None:
        """Cancel what runs; it is queued again, for a later start."""
        self._work = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        with self._lock:
            while self._work is not None and self._jobs and len(self._running) < self._concurrency:
                name, job = self._jobs.popitem(last=False)
                self._running[name] = job
                task = self._loop.create_task(self._run(job, self._work))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run(self, job: Job, work: Work) -> None:
        try:
            await work(job)
        except asyncio.CancelledError:
            with self._lock:
                self._jobs[job.id] = job
                self._jobs.move_to_end(job.id, last=False)
            raise
        finally:
            with self._lock:
                del self._running[job.id]
            self._take()
