"""The guard before everything that answers: who asks is settled before a body is read."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.caller import ANYONE


class AccessGuard:
    """Leaves the caller in the state of the request. Raises ServiceErrors for RequestMiddleware to answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Recognise the caller, then hand the request on."""
        if scope["type"] == "http":
            scope["state"]["caller"] = ANYONE
        await self._app(scope, receive, send)
