"""A synchronous client of an application in this process. Its event loop runs in a thread while the client is open."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from app.api.application import create_app
from app.pipeline.coder import Coder
from app.settings import Settings

T = TypeVar("T")


class Client:
    """Sends requests to one running application."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self.app = app
        self._portal = portal

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._portal.call(lambda: self._request(method, path, options))

    def begin(self, method: str, path: str, **options: Any) -> Future[httpx.Response]:
        return self._portal.start_task_soon(lambda: self._request(method, path, options))

    def start(self, call: Callable[[], Awaitable[T]]) -> Future[T]:
        """Run anything on the event loop of the application."""
        return self._portal.start_task_soon(call)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def code(self, **fields: Any) -> httpx.Response:
        return self.send("POST", "/v1/code", json=fields)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 5
        while self.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, "the service did not become ready"
            time.sleep(0.01)

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **options)


@contextmanager
def running(
    open_coder: Callable[[], Coder] | None, settings: Settings | None = None, **options: Any
) -> Iterator[Client]:
    """An application from start-up to shutdown; without open_coder it opens what the settings name."""
    app = create_app(settings or Settings(), open_coder, **options)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
    ):
        yield Client(app, portal)
