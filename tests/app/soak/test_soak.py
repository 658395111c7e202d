"""The soak at tiny scale, against an application in this process; and that each bar can be missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Document, Note
from app.settings import Settings
from app.soak.answers import Answer, Summary
from app.soak.client import SoakClient
from app.soak.load import closed_loop, open_loop
from app.soak.soak import Plan, _too_large, raw_speed, soak
from app.soak.swap import Swap, swap_under
from index_builder.catalog import Catalog
from tests.app.api.client import Client, running
from tests.app.api.conftest import catalog
from tests.app.fakes import FakeCoder

__all__ = ["catalog"]  # a fixture

NOTES = [Note((Document("Acute gout of the toe."),)), Note((Document("Mild asthma."), Document("Podagra.")))]
PLAN = Plan(seconds=0.2, clients=4, batch_notes=3)


@pytest.fixture
def service(catalog: Catalog, tmp_path: Path) -> Iterator[Client]:
    with running(lambda: FakeCoder(catalog), Settings(shadow_share=0, backlog_folder=tmp_path)) as client:
        client.wait_until_ready()
        yield client


class Meddling(httpx.AsyncBaseTransport):
    """Hands requests to the application; may spoil an answer."""

    def __init__(self, client: Client, spoil: str = "") -> None:
        self._inner = httpx.ASGITransport(app=client.app)
        self._spoil = spoil
        self._posts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        coding = request.url.path.startswith("/v1/code")
        self._posts += coding
        if self._spoil and coding and self._posts > len(NOTES) and self._posts % 3 == 0:
            return await self._spoilt(request)
        return await self._inner.handle_async_request(request)

    async def _spoilt(self, request: httpx.Request) -> httpx.Response:
        if self._spoil == "lost":
            raise httpx.ReadError("the connection broke")
        if self._spoil == "without Retry-After":
            return httpx.Response(429, json={})
        response = await self._inner.handle_async_request(request)
        return httpx.Response(200, content=(await response.aread()).replace(b"0.9", b"0.8"))


def run(
    service: Client, raw: float | None = None, spoil: str = "", plan: Plan = PLAN, said: list[str] | None = None
) -> tuple[list[str], dict[str, Summary]]:
    """The soak runs on the application's own event loop, as its requests must."""
    said = [] if said is None else said
    summaries: dict[str, Summary] = {}

    async def main() -> list[str]:
        transport = Meddling(service, spoil)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await soak(SoakClient(http, NOTES), raw, plan, summaries.__setitem__, said.append)

    return service.start(main).result(30), summaries


def test_every_phase_is_run_and_a_sound_service_loses_nothing(service: Client) -> None:
    missed, summaries = run(service)
    assert list(summaries) == ["saturate", "batch", "desk", "beside", "swap", "overload"]
    for summary in summaries.values():
        assert summary.answered > 0
        assert (summary.lost, summary.different, summary.refused_without_retry_after) == (0, 0, 0)
    timing = (
        "goodput",
        "memory",
        "MB resident",  # of this process, with all that was tested before
        "beside: p95",
        "the backlog ended",
    )  # a busy machine's, and a coder's that is no work
    assert [bar for bar in missed if not any(word in bar for word in timing)] == []


@pytest.mark.parametrize(
    ("spoil", "bar"),
    [("lost", "lost"), ("without Retry-After", "without Retry-After"), ("changed", "differ from the note alone")],
)
def test_a_spoilt_answer_misses_its_bar(service: Client, spoil: str, bar: str) -> None:
    missed, _ = run(service, spoil=spoil)
    assert any(bar in line for line in missed)


def test_service_slower_than_the_pipeline_misses_the_bar(service: Client) -> None:
    missed, _ = run(service, raw=1e12)
    assert any("of the raw pipeline" in line for line in missed)


def test_memory_is_told_and_too_much_of_it_misses_the_bar(service: Client) -> None:
    said: list[str] = []
    missed, _ = run(service, plan=replace(PLAN, resident_bytes=1e6), said=said)
    assert any(line.startswith("hot swap: ") and "MB meanwhile" in line for line in said)
    assert any("MB resident, wanted 1" in line for line in missed)


@pytest.mark.parametrize(("peak", "missed"), [(1.29e9, []), (1.31e9, ["memory at 1.31 times what it was before"])])
def test_memory_during_a_swap_has_its_bar(peak: float, missed: list[str]) -> None:
    summary = Summary.of([Answer(200, 1, 0.0, 0.1)], 1.0)
    found = _too_large(Swap(summary, 2.0, 1e9, peak, 1e9), Plan())
    assert [line.partition(",")[0] for line in found] == missed


def test_a_key_without_the_scope_swaps_nothing() -> None:
    async def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(403)

    async def main() -> Swap:
        async def load() -> list[Answer]:
            return [Answer(200, 1, 0.0, 0.1)]

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://localhost") as http:
            return await swap_under(load, SoakClient(http, NOTES), 0.01)

    swap = asyncio.run(main())
    assert (swap.seconds, swap.peak) == (None, None)
    assert "lacks the scope" in str(swap)


def test_raw_speed_counts_the_tokens_of_whole_calls(catalog: Catalog) -> None:
    class Counting(FakeCoder):
        def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
            assert len(notes) == len(options) == 4
            return super().code(notes, options)

    assert raw_speed(Counting(catalog), NOTES, 4, 0.02) > 0


def test_open_loop_keeps_its_rate_whatever_the_answers_take() -> None:
    begun: list[int] = []

    async def ask(number: int) -> Answer:
        begun.append(number)
        await asyncio.sleep(0.2)
        return Answer(200, 1, 0.0, 0.2)

    answers = asyncio.run(open_loop(ask, 100.0, 0.1))
    assert (len(answers), begun) == (10, list(range(10)))


def test_closed_loop_keeps_one_request_open_per_client() -> None:
    running, most = 0, 0

    async def ask(number: int) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return Answer(200, 1, 0.0, 0.005)

    asyncio.run(closed_loop(ask, 3, 0.05))
    assert most == 3


def test_summary_tells_refused_from_lost() -> None:
    kinds: list[dict[str, Any]] = [
        {"status": 200},
        {"status": 200, "identical": False},
        {"status": 429, "retry_after": True},
        {"status": 503},
        {"status": 500},
        {"status": 0},
    ]
    summary = Summary.of([Answer(tokens=10, begun=0.0, seconds=1.0, **kind) for kind in kinds], 2.0)
    assert (summary.answered, summary.refused, summary.lost) == (2, 2, 2)
    assert (summary.different, summary.refused_without_retry_after, summary.tokens_per_second) == (1, 1, 10.0)
