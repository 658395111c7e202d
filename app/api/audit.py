"""What the audit log says of a request: who, what, by which versions, how much, with what outcome. Never text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from fastapi import Request
from starlette.routing import BaseRoute
from starlette.types import Scope

from app.access.audit import AuditLog
from app.access.caller import Caller
from app.access.quotas import Bucket
from app.api.guard import METRICS_PATH, is_open
from app.api.templates import template_of
from app.pipeline.coder import Versions

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REFUSED_PER_MINUTE: Final = 600  # strangers must not be able to fill the disk
_ERROR: Final = 400


def note_versions(request: Request, versions: Versions) -> None:
    """Leave for the audit log what the answer is made with."""
    request.state.versions = {
        "model": versions.model,
        "index": versions.index,
        "code_set": versions.code_set,
        "calibration": versions.calibration,
    }


class AuditTrail:
    """Records every request to a path that is not open; of unrecognised callers so many per minute, then counts them.

    Counts are what routes leave in request.state.counts: whole numbers under names of their own.
    """

    def __init__(self, log: AuditLog, routes: Sequence[BaseRoute]) -> None:
        self._log = log
        self._routes = routes
        self._refused = Bucket(_REFUSED_PER_MINUTE, time.monotonic())
        self._omitted = 0

    async def record(self, scope: Scope, status: int, seconds: float) -> None:
        """One answered request."""
        state, path = scope["state"], scope["path"]
        if is_open(path) or (path == METRICS_PATH and status < _ERROR):
            return
        caller: Caller | None = state.get("caller")
        if caller is None and not self._admit():
            self._omitted += 1
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        fields: dict[str, object] = {
            "who": None if caller is None else caller.id,
            "by": None if caller is None else caller.means,
            "action": f"{method} {template_of(scope, self._routes)}",
            "request_id": state["request_id"],
            "status": status,
            "ms": round(1000 * seconds, 2),
        }
        omitted, self._omitted = self._omitted, 0
        versions = {"versions": state["versions"]} if "versions" in state else {}
        await self._log.record(fields | state["counts"] | versions | ({"omitted": omitted} if omitted else {}))

    def _admit(self) -> bool:
        now = time.monotonic()
        if self._refused.wait(1, now) > 0:
            return False
        self._refused.take(1, now)
        return True
