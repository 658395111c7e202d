"""Who sent a request, as far as the rest of the service needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.access.limits import NO_LIMITS, CallerLimits
from app.access.scopes import ALL_SCOPES, Scope


class Means(StrEnum):
    """How a caller was recognised."""

    NOTHING = "nothing"
    KEY = "key"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request.

    id:      stable over restarts and replicas, safe in logs: a key's id, or a hash of a token's issuer and subject
    scopes:  what the caller may do
    limits:  how much at once and per minute
    """

    id: str
    scopes: frozenset[Scope]
    limits: CallerLimits = NO_LIMITS
    means: Means = Means.NOTHING


ANONYMOUS_ID: Final = "anonymous"
ANYONE: Final = Caller(ANONYMOUS_ID, ALL_SCOPES)  # of a service that asks for no credentials
NOBODY: Final = Caller(ANONYMOUS_ID, frozenset())  # on paths that are open to all
SCRAPER: Final = Caller(ANONYMOUS_ID, frozenset({Scope.METRICS}))  # where metrics are open to all
