"""The route template of a request: what logs, metrics and audit know a path by, whatever the client has written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

UNMATCHED: Final = "unmatched"


def template_of(scope: Scope, routes: Sequence[BaseRoute]) -> str:
    """The template of the route that answered, or, for a request that was refused before, that would have."""
    if "route" not in scope:
        scope["route"] = next((route for route in routes if route.matches(scope)[0] is not Match.NONE), None)
    return getattr(scope["route"], "path", UNMATCHED)
