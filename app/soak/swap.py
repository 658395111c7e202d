"""A hot swap under load: what it does to answers, and what to the memory of the service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.soak.answers import Answer, Summary
from app.soak.client import SoakClient

_SAMPLE_SECONDS: Final = 0.05
_LEAD: Final = 0.2  # share of the phase before the swap begins


@dataclass(frozen=True, slots=True)
class Swap:
    """The load beside one swap. Memory in bytes, None where the service does not tell; peak is of samples.

    seconds: what opening took; None where the key may not ask for it, and nothing was swapped
    """

    summary: Summary
    seconds: float | None
    before: float | None
    peak: float | None
    after: float | None

    @property
    def growth(self) -> float | None:
        """The peak as a multiple of what there was before."""
        return self.peak / self.before if self.peak and self.before else None

    def __str__(self) -> str:
        if self.seconds is None:
            return "hot swap: not measured, the key lacks the scope admin"
        if self.before is None or self.peak is None or self.after is None:
            return f"hot swap: {self.seconds:.1f} s; the service does not tell its memory"
        return (
            f"hot swap: {self.seconds:.1f} s; memory {self.before / 1e6:.0f} MB before, up to {self.peak / 1e6:.0f} MB "
            f"meanwhile ({self.growth:.2f} times), {self.after / 1e6:.0f} MB after"
        )


async def swap_under(load: Callable[[], Awaitable[list[Answer]]], client: SoakClient, seconds: float) -> Swap:
    """Begin the load, which lasts `seconds` or more, and swap meanwhile; memory is looked at until the load ends."""
    before, seen = await client.resident_bytes(), list[float]()
    watching = asyncio.create_task(_watch(client, seen))
    begin = time.perf_counter()
    swapping = asyncio.create_task(_swap(client, _LEAD * seconds))
    try:
        summary = Summary.of(await load(), time.perf_counter() - begin)
        taken = await swapping
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    after = await client.resident_bytes()
    return Swap(summary, taken, before, max(seen, default=None), after)


async def _swap(client: SoakClient, lead: float) -> float | None:
    await asyncio.sleep(lead)
    return await client.reload()


async def _watch(client: SoakClient, seen: list[float]) -> None:
    while True:
        if (now := await client.resident_bytes()) is not None:
            seen.append(now)
        await asyncio.sleep(_SAMPLE_SECONDS)
