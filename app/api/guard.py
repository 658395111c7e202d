"""The guard before everything that answers: who asks is settled before a body is read."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.caller import ANYONE, NOBODY, SCRAPER, Caller
from app.access.door import Door
from app.errors import Unauthenticated

# Everything else needs a credential, also what is not there: who may not come in does not learn what is inside.
OPEN_PATHS: Final = frozenset({"/", "/livez", "/readyz", "/openapi.json"})
OPEN_FOLDER: Final = "/page/"
METRICS_PATH: Final = "/metrics"


def is_open(path: str) -> bool:
    """Whether a path is answered without credentials: probes, the contract, and the review page without its data."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


def credential_in(headers: Headers) -> str:
    """The one credential of a request, from X-API-Key or from Authorization: Bearer. Raises Unauthenticated."""
    given = [*headers.getlist("x-api-key"), *(_bearer(value) for value in headers.getlist("authorization"))]
    if not given:
        raise Unauthenticated("Send a key as Authorization: Bearer, or as X-API-Key.")
    if len(given) > 1:
        raise Unauthenticated.refused("Send one credential: Authorization or X-API-Key, once.")
    return given[0]


def _bearer(value: str) -> str:
    scheme, _, credential = value.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The scheme of Authorization must be Bearer.")
    return credential.strip()


class AccessGuard:
    """Leaves the caller in the state of the request. Raises ServiceErrors for RequestMiddleware to answer."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Recognise the caller, then hand the request on."""
        if scope["type"] == "http":
            scope["state"]["caller"] = await self._caller(scope)
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        if is_open(scope["path"]):
            return NOBODY
        if scope["path"] == METRICS_PATH and self._door.metrics_public:
            return SCRAPER
        if self._door.audit is not None:
            self._door.audit.require()
        if self._door.authenticator is None:
            return ANYONE
        return await self._door.authenticator.recognise(credential_in(Headers(scope=scope)))
