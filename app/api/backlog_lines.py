"""The contract of /v1/code for a line of a durable batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.api.problems import problem_of
from app.api.schemas.request import CodeRequest
from app.api.translation import to_response, to_work
from app.api.violations import describe
from app.errors import ServiceError
from app.pipeline.coder import Coder
from app.pipeline.coding import Coding
from app.serving.work import Work


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A checked request and its work."""

    request: CodeRequest
    work: Work

    def render(self, coding: Coding, coder: Coder, request_id: str) -> str:
        """What POST /v1/code would answer."""
        return to_response(self.request, coding, coder, request_id).model_dump_json()


class LineTranslator:
    """Implements the port of app/backlog/coding.py."""

    def prepare(self, body: Mapping[str, Any], coder: Coder) -> PreparedRequest:
        """Check a note against contract and coder. Raises RequestError."""
        try:
            request = CodeRequest.model_validate(body)
        except ValidationError as error:
            raise describe(error.errors(include_input=False, include_url=False)) from None
        return PreparedRequest(request, to_work(request, coder))

    def problem(self, error: ServiceError, request_id: str) -> tuple[int, str]:
        """The problem that POST /v1/code would answer."""
        problem = problem_of(error, request_id)
        return problem.status, problem.model_dump_json(exclude_none=True)
