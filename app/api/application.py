"""The application: routes, guards and the life of the loaded index, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.api.body import BodyGuard
from app.api.guard import AccessGuard
from app.api.problems import answer_error
from app.api.requests import RequestMiddleware
from app.api.routes import codes, coding, operations, page
from app.pipeline.coder import Coder
from app.serving.lifecycle import OpenCoder
from app.serving.limits import ServingLimits
from app.serving.service import Service, assemble_service
from app.settings import Settings
from app.version import VERSION

_DESCRIPTION: Final = """A clinical note goes in; ranked ICD codes with the words that justify them come out.

Errors are RFC 9457 problem details and never repeat what was sent. Every answer carries X-Request-ID."""
# FastAPI would report query strings and exception messages to any OpenTelemetry provider of the process.
_SILENT: Final[Any] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_GUARDED: Final = frozenset({"/v1/code", "/v1/code/batch"})


def create_app(settings: Settings, open_coder: OpenCoder | None = None) -> FastAPI:
    """An application that begins to load its coder at start-up: what the settings name unless another is given."""
    service = assemble_service(open_coder or (lambda: open_configured(settings)), limits_of(settings))
    app = FastAPI(
        title="icd-cascade",
        version=VERSION,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=_lifespan(service),
        middleware=[
            Middleware(RequestMiddleware, metrics=service.metrics),
            Middleware(AccessGuard),
            Middleware(BodyGuard, paths=_GUARDED),
        ],
        exception_handlers={RequestValidationError: answer_error, HTTPException: answer_error},
        redirect_slashes=False,  # a redirect would repeat the path that the client sent
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        telemetry=_SILENT,
    )
    app.state.service = service
    for routes in (coding, codes, operations, page):
        app.include_router(routes.router)
    return app


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


def open_configured(settings: Settings) -> Coder:
    """Open and verify what the settings name. Blocking, seconds."""
    from app.pipeline.assemble import open_coder  # the models' libraries are slow to import: after /livez answers

    return open_coder(settings.artifacts, settings.code_set, settings.model, settings.backend)


def _lifespan(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.stop()

    return lifespan
