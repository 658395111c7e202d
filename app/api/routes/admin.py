"""POST /admin/reload: another model or index, without a request lost."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from app.access.scopes import Scope
from app.api.context import ServiceHere
from app.api.problems import documented
from app.api.schemas.operations import ReloadOut, ReloadRequest
from app.api.security import require_scope
from app.api.translation import versions_out
from app.serving.lifecycle import Choice

router = APIRouter(prefix="/admin", tags=["operations"], dependencies=[require_scope(Scope.ADMIN)])
_PROBLEMS = documented(400, 401, 403, 409, 413, 415, 422, 500, 503)


@router.post("/reload", responses=_PROBLEMS, summary="Open another model or index and let it serve")
async def reload(body: ReloadRequest, service: ServiceHere) -> ReloadOut:
    """Opens model and index, compares every file with its manifest, asks the golden queries, then swaps.

    Notes are coded meanwhile; those that were begun are finished by the old pipeline. 422 `reload-refused` gives the
    reason why the new one cannot serve, and the old one serves on; 409 `reload-in-progress`: one is being opened.
    """
    done = await asyncio.to_thread(service.lifecycle.reload, Choice(index=body.index, model=body.model))
    previous = None if done.previous is None else versions_out(done.previous)
    return ReloadOut(previous=previous, versions=versions_out(done.versions), seconds=round(done.seconds, 3))
