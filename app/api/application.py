"""The application: routes, guards and the life of the loaded index, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.access.door import Door, open_door
from app.api.audit import AuditTrail
from app.api.backlog_lines import LineTranslator
from app.api.body import BodyGuard
from app.api.guard import AccessGuard
from app.api.headers import security_headers
from app.api.origins import CrossSiteGuard, HostGuard, cross_origin
from app.api.problems import answer_error
from app.api.requests import RequestMiddleware
from app.api.routes import admin, batches, codes, coding, feedback, operations, page
from app.backlog.assemble import assemble_backlog
from app.backlog.backlog import Backlog
from app.errors import NotLoaded
from app.feedback.metrics import FeedbackMetrics
from app.feedback.store import SqliteStore
from app.pipeline.coder import Coder
from app.pipeline.encoders import Encoders
from app.pipeline.shelved import all_versions
from app.serving.lifecycle import Choice
from app.serving.limits import ServingLimits
from app.serving.opening import open_chosen
from app.serving.service import Service, assemble_service
from app.settings import Settings, is_loopback
from app.version import VERSION
from index_builder.checking import EarlyChecks

if TYPE_CHECKING:
    from app.serving.tracing import Tracing

_DESCRIPTION: Final = """A clinical note goes in; ranked ICD codes with the words that justify them come out.

Errors are RFC 9457 problem details and never repeat what was sent. Every answer carries X-Request-ID."""
# FastAPI would report query strings and exception messages to any OpenTelemetry provider of the process.
_SILENT: Final[Any] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_GUARDED: Final = frozenset({"/v1/code", "/v1/code/batch", "/v1/feedback", "/admin/reload"})

_ROUTERS: Final = (
    coding.router,
    batches.router,
    codes.router,
    feedback.router,
    admin.router,
    operations.router,
    page.router,
)


def create_app(
    settings: Settings,
    open_coder: Callable[[], Coder] | None = None,
    tracing: Tracing | None = None,
    checks: EarlyChecks | None = None,
) -> FastAPI:
    """An application that begins to load its coder at start-up: what the settings name unless another is given.

    tracing: where spans go if the settings ask for traces, instead of the OTLP exporter
    checks: of the indexes' files, if they have begun
    Raises UnsafeSetup if the service would be open to other machines, or if keys or audit log cannot be opened.
    """

    encoders = Encoders()

    def open_coder_of(choice: Choice) -> Coder:
        return open_chosen(settings, choice, encoders, checks) if open_coder is None else open_coder()

    if settings.traces and tracing is None:
        tracing = configured_tracing()
    door = open_door(settings)
    watches = [] if tracing is None else [tracing.watch]
    service = assemble_service(open_coder_of, limits_of(settings), settings.shadow_share, watches)
    backlog = assemble_backlog(settings, is_loopback(settings.host), service, LineTranslator())
    service.on_drain(backlog.stop)
    reviews = SqliteStore(settings.feedback_folder, settings.feedback_days, settings.feedback_reviews)
    FeedbackMetrics(service.metrics.registry, reviews, lambda: _loaded_names(service))
    app = FastAPI(
        title="icd-cascade",
        version=VERSION,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=_lifespan(service, door, backlog, tracing),
        middleware=[
            *_tracing_middleware(tracing),
            _around(settings, door, service),
            *_guards(settings, door),
            Middleware(BodyGuard, paths=_GUARDED),
        ],
        exception_handlers={RequestValidationError: answer_error, HTTPException: answer_error},
        redirect_slashes=False,  # a redirect would repeat the path that the client sent
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        telemetry=_SILENT,
    )
    app.state.service = service
    app.state.door = door
    app.state.backlog = backlog
    app.state.feedback = reviews
    for router in _ROUTERS:
        app.include_router(router)
    return app


def _loaded_names(service: Service) -> frozenset[str]:
    """Indexes and calibrations that metrics may name."""
    coder = service.lifecycle.coder
    versions = [] if coder is None else all_versions(coder)
    return frozenset(name for one in versions for name in (one.index, *one.calibrations.values()))


def limits_of(settings: Settings) -> ServingLimits:
    """What the settings let the service take on."""
    return ServingLimits(
        batch_tokens=settings.batch_tokens,
        bulk_seconds=settings.bulk_seconds,
        queue_tokens=settings.queue_tokens,
        key_concurrency=settings.key_concurrency,
        deadline_seconds=settings.deadline_seconds,
        stall_seconds=settings.stall_seconds,
    )


def configured_tracing() -> Tracing:
    """Traces to the endpoint that the environment names. Raises NotLoaded without the extra."""
    try:
        from app.serving.tracing import open_tracing

        return open_tracing()
    except ImportError:
        raise NotLoaded("Traces need the extra: pip install 'icd-cascade[otel]'.") from None


def _around(settings: Settings, door: Door, service: Service) -> Middleware:
    routes = [route for router in _ROUTERS for route in router.routes]
    trail = None if door.audit is None else AuditTrail(door.audit, routes)
    headers = security_headers(settings.behind_tls)
    return Middleware(RequestMiddleware, metrics=service.metrics, headers=headers, routes=routes, trail=trail)


def _guards(settings: Settings, door: Door) -> list[Middleware]:
    """From the outside in: which site, which host, whose browser, who."""
    guards = cross_origin(settings.allowed_origins)
    is_open = door.authenticator is None
    if settings.allowed_hosts or (is_open and is_loopback(settings.host)):
        guards.append(Middleware(HostGuard, hosts=settings.allowed_hosts))
    if is_open:
        guards.append(Middleware(CrossSiteGuard, origins=settings.allowed_origins))
    return [*guards, Middleware(AccessGuard, door=door)]


def _tracing_middleware(tracing: Tracing | None) -> list[Middleware]:
    if tracing is None:
        return []
    from app.api.tracing import TracingMiddleware  # imports the extra

    return [Middleware(TracingMiddleware, tracing=tracing)]


def _lifespan(
    service: Service, door: Door, backlog: Backlog, tracing: Tracing | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        backlog.start()
        yield
        await backlog.close()
        service.stop()
        door.close()
        if tracing is not None:
            await asyncio.to_thread(tracing.close)

    return lifespan
