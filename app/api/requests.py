"""Around every request: its id, its headers, its metrics, its records, and the last word on errors."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.audit import AuditTrail
from app.api.problems import problem_response
from app.api.templates import template_of
from app.errors import ServiceError
from app.serving.logs import ACCESS, log_failure
from app.serving.metrics import Metrics

REQUEST_ID: Final = "X-Request-ID"
# Only ids that cannot spell a name or a record number are taken from clients: they reach logs and answers.
_SAFE_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLIENT_GONE: Final = 499
PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})


def request_id_of(scope: Scope) -> str:
    """The client's id if it is a UUID or 32 hexadecimal digits, a new UUID otherwise."""
    given = Headers(scope=scope).get(REQUEST_ID, "").lower()
    return given if _SAFE_ID.fullmatch(given) else str(uuid.uuid4())


class InterruptedAnswer(ServiceError):
    """An error after the answer had begun; its cause is already logged."""


class RequestMiddleware:
    """Outermost of ours. No exception passes: what passes, the server would log with its message."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        headers: Mapping[str, str],
        routes: Sequence[BaseRoute],
        trail: AuditTrail | None = None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = headers
        self._routes = routes
        self._trail = trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, request_id_of(scope), self._headers)
        scope.setdefault("state", {}).update(request_id=answer.request_id, counts={})
        begin = time.perf_counter()
        try:
            with self._metrics.in_flight():
                await self._answer(scope, receive, answer)
        finally:
            await self._record(scope, answer, time.perf_counter() - begin)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            answer.status = answer.status or _CLIENT_GONE
        except Exception as error:
            if not isinstance(error, ServiceError):
                log_failure("request failed", error, answer.request_id)
            if answer.status:
                raise InterruptedAnswer("The answer was interrupted.") from None
            await problem_response(error, answer.request_id)(scope, receive, answer)

    async def _record(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        route = template_of(scope, self._routes)
        status = answer.status or 500
        self._metrics.observe_request(route, status, seconds)
        fields = {"request_id": answer.request_id, "route": route, "status": status, "ms": round(1000 * seconds, 2)}
        level = logging.DEBUG if route in PROBES else logging.INFO  # asked every few seconds, by machines
        ACCESS.log(level, "request", extra=fields | scope["state"]["counts"])
        if self._trail is not None:
            await self._trail.record(scope, status, seconds)


class _Answer:
    """Sends, and adds the headers that every answer has."""

    def __init__(self, send: Send, request_id: str, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self.request_id
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)
