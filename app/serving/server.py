"""uvicorn with our own way to stop: a signal ends readiness, requests in flight are answered, the exit status is 0."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from app.serving.lifecycle import Lifecycle, State

_GRACE_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us: its own handling ends in dying by the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield

    @property
    def url(self) -> str:
        """Where the started server answers; with the port that the system chose for port 0."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: FastAPI, host: str, port: int, say: Callable[[str], None]) -> int:
    """Answer until SIGTERM or SIGINT; returns 0, or 1 if loading failed. say hears one line when ready."""
    lifecycle: Lifecycle = app.state.service.lifecycle
    server = Server(_configuration(app, host, port))

    def stop() -> None:
        server.force_exit = server.should_exit  # a second signal does not wait for requests
        lifecycle.stop()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    watcher = asyncio.create_task(_watch(server, lifecycle, say))
    await server.serve()
    await watcher
    return 0 if lifecycle.failure is None else 1


async def _watch(server: Server, lifecycle: Lifecycle, say: Callable[[str], None]) -> None:
    while not server.should_exit:
        if lifecycle.failure is not None:
            server.should_exit = True
        elif server.started and lifecycle.state is State.READY:
            return say(server.url)
        await asyncio.sleep(_POLL_SECONDS)


def _configuration(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    # uvicorn's access log would hold paths and queries; ours holds route templates.
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
