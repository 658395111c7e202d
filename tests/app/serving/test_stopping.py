"""Signals: not ready first, sockets last; a second signal hurries, a third drops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from app.pipeline.coder import Coder
from app.serving.lifecycle import Choice, State
from app.serving.limits import ServingLimits
from app.serving.service import Service, assemble_service
from app.serving.stopping import Stopping
from tests.app.serving.test_lifecycle import Named

LONG = 30.0


class Recorded:
    """A server that writes down what it is told, and when."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.told: list[tuple[str, State]] = []

    def part(self) -> None:
        self.told.append(("part", self._service.lifecycle.state))

    def end(self) -> None:
        self.told.append(("end", self._service.lifecycle.state))


def open_default(choice: Choice) -> Coder:
    return Named("default")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.002)


def run(test: Callable[[Service, Recorded], Awaitable[None]]) -> None:
    async def main() -> None:
        service = assemble_service(open_default, ServingLimits())
        service.start()
        try:
            await until(lambda: service.lifecycle.state is State.READY)
            await test(service, Recorded(service))
        finally:
            service.stop()

    asyncio.run(main())


def names(server: Recorded) -> list[str]:
    return [name for name, _ in server.told]


def test_sigterm_ends_readiness_at_once_and_the_server_after_the_drain_time() -> None:
    async def test(service: Service, server: Recorded) -> None:
        begin = time.monotonic()
        Stopping(service, server, 0.1).terminate()
        await until(lambda: names(server) == ["part"])
        assert service.lifecycle.state is State.STOPPING
        await until(lambda: names(server) == ["part", "end"])
        assert time.monotonic() - begin >= 0.1

    run(test)


@pytest.mark.parametrize("second", ["terminate", "interrupt"])
def test_second_signal_ends_the_drain_time_and_a_third_drops_requests(second: str) -> None:
    async def test(service: Service, server: Recorded) -> None:
        stopping = Stopping(service, server, LONG)
        stopping.terminate()
        await until(lambda: names(server) == ["part"])
        getattr(stopping, second)()
        await until(lambda: names(server) == ["part", "end"])
        getattr(stopping, second)()
        assert names(server) == ["part", "end", "end"]

    run(test)


def test_sigint_does_not_wait() -> None:
    async def test(service: Service, server: Recorded) -> None:
        Stopping(service, server, LONG).interrupt()
        await until(lambda: names(server) == ["part", "end"])

    run(test)


def test_sockets_stay_open_until_everyone_who_asked_has_been_told() -> None:
    async def test(service: Service, server: Recorded) -> None:
        requeued, states = asyncio.Event(), []

        async def fail() -> None:
            raise RuntimeError("one that fails holds up nobody")

        async def requeue() -> None:
            states.append(service.lifecycle.state)
            await requeued.wait()

        service.on_drain(fail)
        service.on_drain(requeue)
        Stopping(service, server, 0.0).terminate()
        await until(lambda: states == [State.STOPPING])
        await asyncio.sleep(0.02)
        assert names(server) == ["part"]
        requeued.set()
        await until(lambda: names(server) == ["part", "end"])

    run(test)


def test_callback_that_hangs_is_left_behind_by_a_second_signal() -> None:
    async def test(service: Service, server: Recorded) -> None:
        service.on_drain(lambda: asyncio.sleep(LONG))
        stopping = Stopping(service, server, 0.0)
        stopping.terminate()
        await until(lambda: names(server) == ["part"])
        stopping.terminate()
        await until(lambda: names(server) == ["part", "end"])

    run(test)
