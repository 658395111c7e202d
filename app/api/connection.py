"""Runs the application only as long as its client is there."""

from __future__ import annotations

import asyncio

from anyio import CancelScope
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def run_while_connected(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Answer a request whose body was already read from receive.

    If the client leaves before the answer begins, the application is cancelled, and with it what it has queued;
    raises ClientDisconnect then.
    """
    client = _Client(body, receive, send)
    with CancelScope() as running:
        watcher = asyncio.create_task(client.watch(running))
        try:
            await app(scope, client.receive, client.send)
        finally:
            watcher.cancel()
    if running.cancelled_caught:
        raise ClientDisconnect


class _Client:
    """Hands the body on, then waits for the only thing that can still come: the end of the connection."""

    def __init__(self, body: bytes, receive: Receive, send: Send) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self._send = send
        self._answering = False
        self._gone = asyncio.Event()

    async def watch(self, running: CancelScope) -> None:
        """The one reader of the connection; servers report its end after every answer, too."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        if not self._answering:
            running.cancel()

    async def receive(self) -> Message:
        """The body, once; then the end."""
        if self._body is None:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Once the answer has begun, it is finished."""
        self._answering = True
        await self._send(message)
