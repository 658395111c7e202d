"""icd-cascade soak: load on a running service, and whether it holds. Exit status 1 if a bar was missed."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from app.cli.options import add_artifact_flags, positive, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.pipeline.note import Note
    from app.soak.answers import Summary
    from app.soak.soak import Plan

KEY: Final = "ICD_CASCADE_SOAK_KEY"
READY_SECONDS: Final = 3.0  # from the start of the process, index verified
ARTIFACT_FLAGS: Final = ("artifacts", "code_set", "model", "calibrations", "backend", "search")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "soak", help="load a running service and see whether it holds", epilog=f"{KEY}: the API key to send."
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", default="http://127.0.0.1:8080", help="the service (default: %(default)s)")
    where.add_argument("--start", action="store_true", help="start a service for it, and stop it at the end")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each phase (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=16, help="clients that saturate (default: %(default)s)")
    parser.add_argument(
        "--characters", type=positive, help="length of the notes (default: practice notes as they are, 800 to 2,400)"
    )
    parser.add_argument("--overload", type=float, default=2.0, help="times the capacity (default: %(default)s)")
    parser.add_argument(
        "--memory",
        type=positive,
        default=1200,
        metavar="MB",
        help="most that the service may take, more where it serves more than ICD-10-CM (default: %(default)s)",
    )
    parser.add_argument("--no-raw", action="store_true", help="do not measure the pipeline itself for comparison")
    add_artifact_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Measure the pipeline, then the service; returns 0 if every bar was reached."""
    try:
        import httpx  # noqa: F401
    except ImportError:
        print("icd-cascade: soak needs the extra: pip install 'icd-cascade[soak]'", file=sys.stderr)
        return 2
    from app.evaluation.practice_notes import PracticeNotes
    from app.soak.lengths import of_length
    from app.soak.service import own_service
    from app.soak.soak import Plan

    settings = settings_of(args)
    plan = Plan(
        args.seconds,
        args.clients,
        overload=args.overload,
        deadline_seconds=settings.deadline_seconds,
        resident_bytes=args.memory * 1e6,
    )
    notes = [coded.note for coded in PracticeNotes().notes()]  # all different: a clause is encoded once per batch
    if args.characters:
        try:
            notes = of_length(notes, args.characters)
        except ValueError as error:
            print(f"icd-cascade: --characters: {error}", file=sys.stderr)
            return 2
    raw = None if args.no_raw else _raw(args, notes, plan)
    begin = time.perf_counter()
    with own_service(_artifact_flags(args)) if args.start else nullcontext(args.url) as url:
        missed = _late(time.perf_counter() - begin) if args.start else []
        missed += asyncio.run(_soak(url, notes, raw, plan))
    print("\n".join(f"missed: {bar}" for bar in missed) or "held")
    return int(bool(missed))


def _late(seconds: float) -> list[str]:
    """Say how long the process took from its start until it was ready; the bar if it was missed."""
    _say(f"ready after {seconds:.1f} s")
    return [f"start: ready after {seconds:.1f} s, wanted {READY_SECONDS:g}"] if seconds > READY_SECONDS else []


def _artifact_flags(args: argparse.Namespace) -> list[str]:
    """What was given of the artifacts, as another process is told it."""
    given = {name: getattr(args, name) for name in ARTIFACT_FLAGS}
    return [word for name, value in given.items() if value for word in (f"--{name.replace('_', '-')}", str(value))]


def _raw(args: argparse.Namespace, notes: Sequence[Note], plan: Plan) -> float:
    from app.pipeline.assemble import open_coder
    from app.soak.soak import raw_speed

    settings = settings_of(args)
    calibrations = settings.calibration_folders
    coder = open_coder(
        settings.artifacts,
        settings.code_set,
        settings.model,
        settings.backend,
        calibrations=calibrations,
        search=settings.search,
    )
    speed = raw_speed(coder, notes, plan.clients, plan.seconds)
    gc.freeze()  # the clients share this process: each collection would walk through all that the coder has loaded
    print(f"raw pipeline: {speed:,.0f} tokens/s", flush=True)
    return speed


async def _soak(url: str, notes: Sequence[Note], raw: float | None, plan: Plan) -> list[str]:
    import httpx

    from app.soak.client import SoakClient
    from app.soak.soak import soak

    headers = {"Authorization": f"Bearer {key}"} if (key := os.environ.get(KEY)) else {}
    # No limit on connections: open-loop arrivals must not wait for each other in the client.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=plan.clients)
    timeout = httpx.Timeout(2 * plan.deadline_seconds)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=timeout) as http:
        return await soak(SoakClient(http, notes), raw, plan, lambda name, summary: _print(name, summary, raw), _say)


def _say(line: str) -> None:
    print(line, flush=True)


def _print(name: str, summary: Summary, raw: float | None) -> None:
    ratio = "" if raw is None else f", {summary.tokens_per_second / raw:.2f} of raw"
    print(
        f"{name}: {summary.requests} requests, {summary.answered} answered, {summary.refused} refused, "
        f"{summary.lost} lost, {summary.different} different; {summary.requests_per_second:.2f} requests/s, "
        f"{summary.tokens_per_second:,.0f} tokens/s{ratio}; "
        f"p50 {summary.p50:.3f} s, p95 {summary.p95:.3f} s, p99 {summary.p99:.3f} s",
        flush=True,
    )
