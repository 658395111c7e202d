"""The port to the queue of shards. It holds ids only; whoever takes a job finds its notes in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from app.backlog.batch import BatchKey, Job

Work = Callable[[Job], Awaitable[None]]


class JobQueue(Protocol):
    """At least once: a job that was begun by a process that died is begun again. Blocking, but for stop; thread-safe.

    Methods raise BacklogUnavailable while the place of the queue cannot be reached.
    """

    def start(self, work: Work) -> None:
        """Begin to take jobs; work is called on the event loop of the service. What it raises is its own to handle."""
        ...

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs, first in, first out; a job that is queued, in work or done already is passed over."""
        ...

    def resubmit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs anew that are neither queued nor in work."""
        ...

    def waiting(self, key: BatchKey) -> set[int]:
        """Shards of a batch that are queued or in work somewhere."""
        ...

    def forget(self, key: BatchKey) -> None:
        """Remove a batch's jobs; those in work are left to whoever has them."""
        ...

    def sweep(self) -> None:
        """Put back the jobs of processes that are gone."""
        ...

    async def stop(self, timeout: float) -> None:
        """Take no more jobs, cancel those in work and put them back; returns within about timeout seconds."""
        ...
