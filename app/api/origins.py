"""Which hosts the service answers to, and which other sites may call it from a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_response
from app.errors import Forbidden, ServiceError, WrongHost
from app.settings import is_loopback

_PROBES: Final = frozenset({"/livez", "/readyz"})  # asked by address
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SAME_SITE: Final = ("same-origin", "none")
_METHODS: Final = ("GET", "POST", "DELETE")
_REQUEST_HEADERS: Final = ("Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "X-Request-ID")
_ANSWER_HEADERS: Final = ("Location", "Retry-After", "WWW-Authenticate", "X-Request-ID")


class HostGuard:
    """Answers to the names of this service only.

    A page that points its own name at 127.0.0.1 (DNS rebinding) would otherwise read a service without credentials.
    Requests without a Host header pass: browsers always send one, health checks of proxies may not.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = [host.lower() for host in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise WrongHost for other names."""
        if scope["type"] == "http" and scope["path"] not in _PROBES:
            host = Headers(scope=scope).get("host")
            if host is not None and not self._answers_to(_name(host)):
                raise WrongHost("The Host header names another host; --allowed-hosts lists those that are answered.")
        await self._app(scope, receive, send)

    def _answers_to(self, name: str) -> bool:
        if not self._hosts:
            return is_loopback(name)
        return any(name == host or (host.startswith("*.") and name.endswith(host[1:])) for host in self._hosts)


class CrossSiteGuard:
    """Refuses changes that another site asks for through somebody's browser (CSRF).

    Needed where being on this machine is the only credential. Keys and tokens are never sent by a browser on its own.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise Forbidden for them."""
        if scope["type"] == "http" and scope["method"] not in _SAFE and self._is_foreign(Headers(scope=scope)):
            raise Forbidden("Another site may not ask for this; --allowed-origins lists those that may.")
        await self._app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin in self._origins:
            return False
        if site is not None:
            return site not in _SAME_SITE
        return origin is not None and origin.partition("://")[2] != headers.get("host")


class ProblemAnswers:
    """Answers ServiceErrors inside the CORS middleware, so that pages of allowed origins can read problems, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or turn an error before the answer into one."""
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except ServiceError as error:
            if begun:
                raise
            await problem_response(error, scope["state"]["request_id"])(scope, receive, send)


def cross_origin(origins: Sequence[str]) -> list[Middleware]:
    """CORS for some origins; for none, nothing: a browser keeps answers from other sites then."""
    if not origins:
        return []
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=list(_METHODS),
        allow_headers=list(_REQUEST_HEADERS),
        expose_headers=list(_ANSWER_HEADERS),
    )
    return [cors, Middleware(ProblemAnswers)]


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
