"""Probes, metrics and what this service is."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from app.access.scopes import Scope
from app.api import limits
from app.api.context import CoderHere, ServiceHere
from app.api.holdings import code_sets_out, crosswalk_out
from app.api.problems import documented
from app.api.schemas.operations import Alive, InfoOut, LimitsOut, Ready
from app.api.security import require_scope
from app.api.translation import versions_out
from app.errors import NotReady, WorkerStalled
from app.serving.lifecycle import State
from app.serving.metrics import Metrics
from app.version import VERSION

router = APIRouter(tags=["operations"])
_METRICS_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Prometheus text exposition.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
    **documented(401, 403, 503),
}


@router.get("/livez", responses=documented(503), summary="Is the process alive?")
async def livez(service: ServiceHere) -> Alive:
    """200 as soon as the process answers, also while the index is being loaded.

    503 once the thread that codes notes has died or has run one batch for too long: replace the process then.
    """
    if service.batcher.stalled:
        raise WorkerStalled("The thread that codes notes hangs or died.")
    return Alive()


@router.get("/readyz", responses=documented(503), summary="Can it code notes?")
async def readyz(coder: CoderHere, service: ServiceHere) -> Ready:
    """200 once model and index are loaded and verified; 503 before, after a failure and while stopping."""
    if service.lifecycle.state is not State.READY:
        raise NotReady("The service is stopping.")
    return Ready()


@router.get(
    "/metrics",
    response_class=Response,
    responses=_METRICS_ANSWERS,
    dependencies=[require_scope(Scope.METRICS, Scope.ADMIN)],
    summary="Prometheus metrics",
)
async def metrics(service: ServiceHere) -> Response:
    """Durations per route and stage, sizes, counts and versions."""
    return Response(service.metrics.expose(), media_type=Metrics.content_type)


@router.get("/v1/info", responses=documented(401, 503), dependencies=[require_scope()], summary="What is loaded")
async def info(service: ServiceHere) -> InfoOut:
    """Versions and limits. Answers before the index is loaded, too; versions are null then."""
    coder = service.lifecycle.coder
    return InfoOut(
        name="icd-cascade",
        version=VERSION,
        state=service.lifecycle.state,
        versions=None if coder is None else versions_out(coder.versions),
        code_sets=[] if coder is None else code_sets_out(coder),
        crosswalk=[] if coder is None else crosswalk_out(coder),
        calibrated=coder is not None and coder.versions.calibration is not None,
        limits=LimitsOut(
            body_bytes=limits.BODY_BYTES,
            note_characters=limits.NOTE_CHARACTERS,
            documents=limits.DOCUMENTS,
            batch_notes=limits.BATCH_NOTES,
            top_k=limits.TOP_K,
            within_prefixes=limits.WITHIN_PREFIXES,
        ),
    )
