"""What a route asks for besides the request itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.pipeline.coder import Coder
from app.serving.service import Service


def service_of(request: Request) -> Service:
    """The service that create_app assembled."""
    service: Service = request.app.state.service
    return service


def coder_of(request: Request) -> Coder:
    """The loaded coder; raises NotReady before it is loaded."""
    return service_of(request).lifecycle.require()


def request_id_of(request: Request) -> str:
    """The id that RequestMiddleware gave to the request."""
    request_id: str = request.state.request_id
    return request_id


ServiceHere = Annotated[Service, Depends(service_of)]
CoderHere = Annotated[Coder, Depends(coder_of)]
RequestId = Annotated[str, Depends(request_id_of)]
