"""What a route says about its callers: `dependencies=[require_scope("batch")]`; `caller: CallerHere` says who asks.

Credentials are checked before, in app/api/guard.py: no request without valid ones reaches a path that is not open.
Routes only name the scope, and document 401 and 403: `responses=documented(401, 403, ...)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from app.access.caller import Caller
from app.access.scopes import Scope
from app.errors import Forbidden

_BEARER: Final = HTTPBearer(
    scheme_name="bearer",
    description="An API key, or a JWT of the issuer that the service trusts. Rights are the scopes `code` (notes and "
    "look-up), `batch` (durable batches), `admin` (what is loaded; metrics) and `metrics`.",
    auto_error=False,
)
_KEY_HEADER: Final = APIKeyHeader(
    scheme_name="apiKey", name="X-API-Key", description="An API key, in a header of its own.", auto_error=False
)


def caller_of(request: Request) -> Caller:
    """Who sent the request; set by the guard."""
    caller: Caller = request.state.caller
    return caller


def require_scope(*any_of: Scope | str) -> Any:
    """A dependency that raises Forbidden unless the caller has one of the scopes; with none named, none is asked for.

    It also names the security schemes of the route in openapi.json. Raises ValueError for a scope that does not exist.
    """
    wanted = tuple(Scope(scope) for scope in any_of)
    return Depends(_requirement(wanted))


def _requirement(wanted: tuple[Scope, ...]) -> Callable[..., Awaitable[None]]:
    async def check_scope(
        caller: Annotated[Caller, Depends(caller_of)],
        _bearer: Annotated[object, Security(_BEARER)],
        _key: Annotated[object, Security(_KEY_HEADER)],
    ) -> None:
        if wanted and caller.scopes.isdisjoint(wanted):
            raise Forbidden.lacking(*wanted)

    return check_scope


CallerHere = Annotated[Caller, Depends(caller_of)]
