"""Around every request, if traces are on: its span."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.requests import PROBES
from app.api.templates import UNMATCHED
from app.serving.tracing import Tracing, finish


class TracingMiddleware:
    """Outermost, so that it sees every answer. Probes leave no spans."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        statuses: list[int] = []

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        with self._tracing.request(scope["method"], Headers(scope=scope).get("traceparent")) as span:
            try:
                await self._app(scope, receive, watch)
            finally:
                route = getattr(scope.get("route"), "path", UNMATCHED)
                finish(span, route, scope["method"], statuses[0] if statuses else 500)
