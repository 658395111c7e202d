"""What signals do to a running service: not ready first, sockets last.

SIGTERM   /readyz 503, callbacks told, connections parted -> served on for the drain time -> sockets closed,
          requests in flight answered
SIGINT    the same without the drain time: a person waits
once more ends the drain time; again, drops what is in flight
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from app.serving.lifecycle import State
from app.serving.logs import SERVICE
from app.serving.service import Service

_CALLBACK_SECONDS: Final = 30.0  # beyond the drain time, for callbacks that hang


class Stoppable(Protocol):
    """The server that is to end."""

    def part(self) -> None:
        """Close every connection after its next answer."""
        ...

    def end(self) -> None:
        """Close the sockets and answer what is in flight; called again: drop what is in flight."""
        ...


class Stopping:
    """Counts signals. Lives on the event loop."""

    def __init__(self, service: Service, server: Stoppable, drain_seconds: float) -> None:
        self._service = service
        self._server = server
        self._drain_seconds = drain_seconds
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def terminate(self) -> None:
        """SIGTERM: whoever routes requests here needs time to see that the service is not ready."""
        # A service that was never ready has nobody to wait for.
        self._stop(self._drain_seconds if self._service.lifecycle.state is State.READY else 0.0)

    def interrupt(self) -> None:
        """SIGINT."""
        self._stop(0.0)

    def _stop(self, seconds: float) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._drain(seconds))
        elif not self._task.done():
            self._hurry.set()
        else:
            self._server.end()

    async def _drain(self, seconds: float) -> None:
        SERVICE.info("stopping", extra={"seconds": seconds})
        told = asyncio.create_task(self._service.drain())
        hurry = asyncio.create_task(self._hurry.wait())
        self._server.part()
        await asyncio.wait({hurry}, timeout=seconds)
        await asyncio.wait({told, hurry}, timeout=_CALLBACK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        self._server.end()
