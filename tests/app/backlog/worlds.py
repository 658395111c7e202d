"""A backlog over adapters in memory: its coder answers at once or waits at a gate, its clock stands where it is put."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry

from app.backlog.backlog import Backlog, Parts
from app.backlog.batch import Batch, BatchKey, BatchState
from app.backlog.batches import Batches
from app.backlog.keys import MasterKeys, new_key
from app.backlog.limits import BacklogLimits
from app.backlog.lines import answer_line, read_line
from app.backlog.memory import MemoryQueue
from app.backlog.metrics import BacklogMetrics
from app.backlog.store import MemoryStore, Store

T = TypeVar("T")
LIMITS = BacklogLimits(notes=1000, bytes=100_000, line_bytes=2_000, shard_notes=4, shard_bytes=10_000, open_batches=3)
ENDED = {BatchState.COMPLETED, BatchState.FAILED, BatchState.CANCELLED, BatchState.EXPIRED}
ME = "me"


class EchoCoder:
    """Answers with the words of the note; closed, the gate holds answers back."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun: list[int] = []

    async def answer(self, key: BatchKey, first: int, lines: Sequence[bytes]) -> list[bytes]:
        self.begun.append(first)
        await self.gate.wait()
        read = [read_line(raw) for raw in lines]
        return [
            answer_line(first + place, line.custom_id, 200 if line.body else 400, "r", json.dumps(line.body))
            for place, line in enumerate(read)
        ]


class World:
    """One process after another over the same store and keys."""

    def __init__(self, store: Store | None = None, limits: BacklogLimits = LIMITS) -> None:
        self.store = store or MemoryStore()
        self.keys = MasterKeys.parse(new_key())
        self.limits = limits
        self.now = 1_700_000_000.0
        self.registry = CollectorRegistry()
        self.coder = EchoCoder()
        self.metrics = BacklogMetrics(self.registry)
        self.backlog = self.begin()

    def begin(self) -> Backlog:
        """A process: its queue is empty, its store is what the others left."""
        self.backlog = Backlog(
            lambda loop: Parts(
                Batches(self.store, self.keys, self.limits, lambda: self.now), MemoryQueue(loop, concurrency=2)
            ),
            self.coder,
            self.metrics,
            limits=self.limits,
            eager=False,
            sweep_seconds=3600,
        )
        return self.backlog

    async def submit(self, *lines: bytes | dict[str, Any], key: str | None = None, caller: str = ME) -> Batch:
        return await self.backlog.submit(caller, key, chunks(*lines))

    async def ended(self, batch: Batch, caller: str = ME) -> Batch:
        async def look() -> Batch | None:
            shown = await self.backlog.show(caller, batch.id)
            return shown if shown.state in ENDED else None

        return await eventually(look)

    async def results(self, batch: Batch, caller: str = ME) -> list[dict[str, Any]]:
        parts = [part async for part in await self.backlog.results(caller, batch.id)]
        return [json.loads(line) for line in b"".join(parts).splitlines()]


def note(custom_id: str, text: str = "gout") -> dict[str, Any]:
    return {"custom_id": custom_id, "body": {"text": text}}


def notes(number: int) -> list[dict[str, Any]]:
    return [note(f"n{place}", f"note {place}") for place in range(number)]


def encode(*lines: bytes | dict[str, Any]) -> bytes:
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


async def chunks(*lines: bytes | dict[str, Any], size: int = 97) -> AsyncIterator[bytes]:
    content = encode(*lines)
    size = max(size, len(content) // 50)
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def eventually(look: Callable[[], Awaitable[T | None]], seconds: float = 10) -> T:
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := await look()) is None:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    return found


def run(world_use: Callable[[World], Awaitable[None]], world: World | None = None) -> None:
    """Run an example with a world, and close it."""

    async def use() -> None:
        here = world or World()
        try:
            await world_use(here)
        finally:
            here.coder.gate.set()
            await here.backlog.close()

    asyncio.run(use())
