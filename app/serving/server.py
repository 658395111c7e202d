"""uvicorn with our own signals (app/serving/stopping.py): what is in flight is answered, the exit status is 0."""

from __future__ import annotations

import asyncio
import math
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from app.access.door import Door
from app.errors import ServiceError
from app.serving.lifecycle import Lifecycle, State
from app.serving.logs import SERVICE
from app.serving.service import Service
from app.serving.stopping import Stopping

_GRACE_SECONDS: Final = 5  # beyond the deadline of the requests in flight
_POLL_SECONDS: Final = 0.05
_CLOSE: Final = (b"connection", b"close")


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

    def part(self) -> None:
        """Close every connection after its next answer, so that clients go elsewhere before the socket closes."""
        self.config.encoded_headers.append(_CLOSE)  # read again every second
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]

    def end(self) -> None:
        """Close the sockets and answer what is in flight; called again: drop what is in flight."""
        self.force_exit = self.should_exit
        self.should_exit = True


async def serve(app: FastAPI, host: str, port: int, say: Callable[[str], None], drain_seconds: float = 0.0) -> int:
    """Answer until SIGTERM or SIGINT; SIGHUP opens model, index, keys and audit log anew.

    Returns 0, or 1 if loading failed. say hears one line when ready. drain_seconds: served on after SIGTERM.
    """
    _leave_no_core()
    service: Service = app.state.service
    server = Server(_configuration(app, host, port, service))
    stopping = Stopping(service, server, drain_seconds)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.terminate)
    loop.add_signal_handler(signal.SIGINT, stopping.interrupt)
    loop.add_signal_handler(signal.SIGHUP, _hang_up, app.state.door, service.lifecycle)
    watcher = asyncio.create_task(_watch(server, service.lifecycle, say))
    await server.serve()
    await watcher
    return 0 if service.lifecycle.failure is None else 1


def _leave_no_core() -> None:
    """A core file would hold the notes in memory. The hard limit stays: who debugs may raise it from outside."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _hang_up(door: Door, lifecycle: Lifecycle) -> None:
    door.reload()
    asyncio.get_running_loop().run_in_executor(None, _reload, lifecycle)


def _reload(lifecycle: Lifecycle) -> None:
    """Who sends SIGHUP reads the outcome in the log and in the metrics."""
    try:
        lifecycle.reload()
    except ServiceError as error:
        SERVICE.warning("SIGHUP changed nothing", extra={"error": type(error).__name__})


async def _watch(server: Server, lifecycle: Lifecycle, say: Callable[[str], None]) -> None:
    while not server.should_exit:
        if lifecycle.failure is not None:
            server.should_exit = True
        elif server.started and lifecycle.state is State.READY:
            return say(server.url)
        await asyncio.sleep(_POLL_SECONDS)


def _configuration(app: FastAPI, host: str, port: int, service: Service) -> uvicorn.Config:
    # uvicorn's access log would hold paths and queries; ours holds route templates.
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=math.ceil(service.admission.deadline_seconds) + _GRACE_SECONDS,
    )
