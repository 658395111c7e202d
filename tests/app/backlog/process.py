"""A process with a durable queue. Usage: process SETTINGS_JSON NOTES SECONDS_PER_SHARD

Submits the same batch under the same Idempotency-Key, so that after a kill the next process finds it again; prints
"begun N" for every shard that it codes and, once the batch has ended, "ended STATE" and the results.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from prometheus_client import CollectorRegistry

from app.backlog.assemble import open_parts
from app.backlog.backlog import Backlog, Parts
from app.backlog.batch import BatchKey
from app.backlog.limits import BacklogLimits
from app.backlog.lines import answer_line, read_line
from app.backlog.metrics import BacklogMetrics
from app.backlog.settings import BacklogSettings
from app.errors import BacklogUnavailable
from tests.app.backlog.worlds import ENDED, ME, chunks, note

CANARY = "Kanarienvogel"
LIMITS = replace(BacklogLimits(), shard_notes=4)


class SlowCoder:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def answer(self, key: BatchKey, first: int, lines: Sequence[bytes]) -> list[bytes]:
        say(f"begun {first}")
        await asyncio.sleep(self._seconds)
        read = [read_line(raw) for raw in lines]
        return [answer_line(first + i, line.custom_id, 200, "r", json.dumps(line.body)) for i, line in enumerate(read)]


def impatient(parts: Parts) -> Parts:
    if parts.replicas is not None:
        parts.replicas.silence = 3.0
    return parts


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def main(settings: BacklogSettings, notes: int, seconds: float) -> None:
    backlog = Backlog(
        lambda loop: impatient(open_parts(settings, LIMITS, loopback=True, loop=loop)),
        SlowCoder(seconds),
        BacklogMetrics(CollectorRegistry()),
        limits=LIMITS,
        eager=True,
        sweep_seconds=0.5,
    )
    lines = [note(f"{CANARY}-{place}", f"{CANARY} note {place}") for place in range(notes)]
    batch = await backlog.submit(ME, CANARY, chunks(*lines))
    say(f"submitted {batch.id}")
    shown = batch
    while shown.state not in ENDED:
        await asyncio.sleep(0.05)
        try:
            shown = await backlog.show(ME, batch.id)
        except BacklogUnavailable:
            say("away")
            await asyncio.sleep(0.2)
    say(f"ended {shown.state} {shown.completed}")
    async for part in await backlog.results(ME, batch.id):
        say(part.decode().rstrip())
    await backlog.close()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(main(BacklogSettings(**json.loads(arguments[0])), int(arguments[1]), float(arguments[2])))
