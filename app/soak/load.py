"""Two kinds of load: clients that wait for their answer (closed), and arrivals that do not care (open)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Final

from app.soak.answers import Answer

Ask = Callable[[int], Awaitable[Answer]]
_BACK_OFF: Final = 0.05  # seconds, for a client that was refused


async def closed_loop(ask: Ask, clients: int, seconds: float) -> list[Answer]:
    """So many clients, each with one request open, for so long; what was begun is waited for."""
    answers: list[Answer] = []
    numbers, end = itertools.count(), time.monotonic() + seconds

    async def run() -> None:
        while time.monotonic() < end:
            answers.append(answer := await ask(next(numbers)))
            if answer.status in (0, 429, 503):
                await asyncio.sleep(_BACK_OFF)

    await asyncio.gather(*(run() for _ in range(clients)))
    return answers


async def open_loop(ask: Ask, per_second: float, seconds: float) -> list[Answer]:
    """Requests at a constant rate for so long, whether answered or not; all are waited for.

    Arrivals keep to the clock: what a busy client missed is sent at once, so that the service is not spared.
    """
    begin, requests = time.monotonic(), []
    for number in range(max(1, int(per_second * seconds))):
        await asyncio.sleep(max(0.0, begin + number / per_second - time.monotonic()))
        requests.append(asyncio.ensure_future(ask(number)))
    return list(await asyncio.gather(*requests))
