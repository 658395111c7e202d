"""The guard before the parser: a body is read up to a limit, then checked as bytes, then handed on whole."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.connection import run_while_connected
from app.api.limits import BODY_BYTES, JSON_DEPTH, JSON_MEMBERS
from app.api.nesting import measure
from app.errors import BodyTooLarge, MalformedBody, UnsupportedBody


class BodyGuard:
    """Lets only small, flat UTF-8 JSON through. Raises RequestErrors for RequestMiddleware to answer."""

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the body of a POST to one of the paths; everything else passes unread."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        check_headers(headers)
        body = await read_body(receive)
        check_body(body)
        await run_while_connected(self._app, scope, body, receive, send)


def check_headers(headers: Headers) -> None:
    """Refuse by content type, encoding and declared length."""
    kind, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise UnsupportedBody("Send the body as application/json in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBody("Send the body without a content encoding.")
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > BODY_BYTES:
        raise _too_large()


async def read_body(receive: Receive) -> bytes:
    """The whole body; stops reading once it is too large, whatever length was declared."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


def check_body(body: bytes) -> None:
    """Refuse what is not UTF-8 or would be costly to parse."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise MalformedBody("The body is not valid UTF-8.") from None
    shape = measure(body)
    if shape.depth > JSON_DEPTH:
        raise MalformedBody(f"The body is nested deeper than {JSON_DEPTH} levels.")
    if shape.members > JSON_MEMBERS:
        raise MalformedBody(f"The body has more than {JSON_MEMBERS:,} members.")


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The body may have at most {BODY_BYTES:,} bytes.")
