"""The phases of a soak and the bars they are held to.

raw       the pipeline itself, in this process, while the service is idle: tokens per second
saturate  16 clients that wait: as much as the service gives; at least .90 of raw
batch     batches of notes from a few clients
desk      single notes at a quarter of the measured capacity, open loop: what a coder waits for
beside    the same while a durable batch runs that is longer than the phase: p95 at most twice the desk's
swap      16 clients again while model and index are opened anew: nothing lost, nothing different, memory at most 1.2 GB
          before and 1.3 times that meanwhile
overload  single notes at twice the measured capacity, open loop: goodput at least .90 of saturation, accepted p99
          within the deadline, every refusal with Retry-After, nothing lost
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from app.pipeline.coder import Coder
from app.pipeline.note import CodingOptions, Note
from app.serving.work import estimate_tokens
from app.soak.answers import Answer, Summary
from app.soak.client import SoakClient
from app.soak.load import closed_loop, open_loop
from app.soak.swap import Swap, swap_under

EFFICIENCY: Final = 0.90
GOODPUT: Final = 0.90
DELAY: Final = 2.0  # p95 beside a backlog against p95 without
GROWTH: Final = 1.10  # of the service's memory, from after saturation to the end
SWAP_GROWTH: Final = 1.30  # of it while two pipelines are open
Report = Callable[[str, Summary], None]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard and how long. Seconds are of each phase; overload and desk are shares of the measured capacity."""

    seconds: float = 60.0
    clients: int = 16
    batch_clients: int = 2
    batch_notes: int = 16
    overload: float = 2.0
    desk: float = 0.25
    deadline_seconds: float = 60.0
    resident_bytes: float = 1.2e9  # with ICD-10-CM alone


def raw_speed(coder: Coder, notes: Sequence[Note], clients: int, seconds: float) -> float:
    """Tokens per second of the pipeline itself, in calls of as many notes as clients would have waiting."""
    calls = [[notes[(first + at) % len(notes)] for at in range(clients)] for first in range(0, len(notes), clients)]
    coder.code(calls[0], [CodingOptions()] * len(calls[0]))  # the first one pays for pages and buffers
    tokens, number, begin = 0, 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds or not number:
        call = calls[number % len(calls)]
        coder.code(call, [CodingOptions()] * len(call))
        tokens += sum(map(estimate_tokens, call))
        number += 1
    return tokens / max(passed, time.perf_counter() - begin)


async def soak(client: SoakClient, raw: float | None, plan: Plan, report: Report, say: Say) -> list[str]:
    """Run the phases; returns the bars that were missed, in words. raw: tokens per second, None = not compared.

    say hears in a sentence what a summary does not hold.
    """
    await client.learn()
    async with client.backlog(1):  # what the first batch loads is no growth
        pass
    saturated = await _timed(closed_loop(client.single, plan.clients, plan.seconds))
    report("saturate", saturated)
    memory = await client.resident_bytes()
    batch = partial(client.batch, size=plan.batch_notes)
    batches = await _timed(closed_loop(batch, plan.batch_clients, plan.seconds))
    report("batch", batches)
    capacity = saturated.tokens_per_second / client.mean_tokens  # notes a second
    missed = await _desk(client, capacity, plan, report)
    missed += await _swap(client, plan, report, say)
    per_second = plan.overload * capacity
    overloaded = await _timed(open_loop(client.single, per_second, plan.seconds))
    report("overload", overloaded)
    missed += [f"{name}: {problem}" for name, s in _named(saturated, batches, overloaded) for problem in _broken(s)]
    missed += _too_slow(saturated, raw) + _collapsed(overloaded, saturated, plan)
    return missed + _grown(memory, await client.resident_bytes())


async def _desk(client: SoakClient, capacity: float, plan: Plan, report: Report) -> list[str]:
    """Single notes alone, then beside a backlog; the bars that were missed."""
    per_second = plan.desk * capacity
    alone = await _timed(open_loop(client.single, per_second, plan.seconds))
    report("desk", alone)
    async with client.backlog(math.ceil(2 * capacity * plan.seconds) + 1) as backlog:
        beside = await _timed(open_loop(client.single, per_second, plan.seconds))
        report("beside", beside)
        runs = await backlog.runs()
    missed = [f"{name}: {problem}" for name, s in (("desk", alone), ("beside", beside)) for problem in _broken(s)]
    if not runs:
        missed.append("beside: the backlog ended before the phase, nothing was compared")
    elif beside.p95 > DELAY * alone.p95:
        missed.append(f"beside: p95 {beside.p95 / alone.p95:.2f} times that of the desk alone, wanted {DELAY:g}")
    return missed


async def _swap(client: SoakClient, plan: Plan, report: Report, say: Say) -> list[str]:
    """A hot swap under saturation; the bars that were missed."""
    load = partial(closed_loop, client.single, plan.clients, plan.seconds)
    swap = await swap_under(load, client, plan.seconds)
    if swap.seconds is not None:
        report("swap", swap.summary)
    say(str(swap))
    return [f"swap: {problem}" for problem in (*_broken(swap.summary), *_too_large(swap, plan))]


async def _timed(load: Awaitable[list[Answer]]) -> Summary:
    begin = time.perf_counter()
    return Summary.of(await load, time.perf_counter() - begin)


def _named(*summaries: Summary) -> list[tuple[str, Summary]]:
    return list(zip(("saturate", "batch", "overload"), summaries, strict=True))


def _broken(summary: Summary) -> list[str]:
    found = {
        "requests lost": summary.lost,
        "answers differ from the note alone": summary.different,
        "refusals without Retry-After": summary.refused_without_retry_after,
        "nothing answered": int(not summary.answered),
    }
    return [f"{name} ({count})" for name, count in found.items() if count]


def _too_slow(saturated: Summary, raw: float | None) -> list[str]:
    if raw is None or saturated.tokens_per_second >= EFFICIENCY * raw:
        return []
    return [f"saturate: {saturated.tokens_per_second / raw:.2f} of the raw pipeline, wanted {EFFICIENCY}"]


def _collapsed(overloaded: Summary, saturated: Summary, plan: Plan) -> list[str]:
    missed = []
    if overloaded.tokens_per_second < GOODPUT * saturated.tokens_per_second:
        share = overloaded.tokens_per_second / saturated.tokens_per_second
        missed.append(f"overload: goodput {share:.2f} of saturation, wanted {GOODPUT}")
    if overloaded.p99 > plan.deadline_seconds:
        missed.append(f"overload: p99 {overloaded.p99:.1f} s is beyond the deadline of {plan.deadline_seconds:g} s")
    return missed


def _too_large(swap: Swap, plan: Plan) -> list[str]:
    missed = []
    if swap.before is not None and swap.before > plan.resident_bytes:
        missed.append(f"{swap.before / 1e6:.0f} MB resident, wanted {plan.resident_bytes / 1e6:.0f}")
    if swap.seconds is not None and swap.growth is not None and swap.growth > SWAP_GROWTH:
        missed.append(f"memory at {swap.growth:.2f} times what it was before, wanted {SWAP_GROWTH:.2f}")
    return missed


def _grown(before: float | None, after: float | None) -> list[str]:
    if before is None or after is None or after <= GROWTH * before:
        return []
    return [f"memory grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB"]
