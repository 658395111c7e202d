"""Several notes together; one that cannot be answered fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from app.access.caller import Caller
from app.api.limits import INTERACTIVE_NOTES
from app.api.problems import problem_of
from app.api.schemas.request import CodeRequest
from app.api.schemas.response import BatchItem
from app.api.translation import to_response, to_work
from app.api.violations import describe
from app.errors import ServiceError
from app.pipeline.coder import Coder
from app.serving.service import Service
from app.serving.work import Lane, Outcome, Work


@dataclass(slots=True)
class BatchAnswer:
    """Items in the order of the request; works and outcomes of the notes that reached the pipeline."""

    items: list[BatchItem] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


async def answer_batch(
    notes: Sequence[Any], coder: Coder, service: Service, request_id: str, caller: Caller
) -> BatchAnswer:
    """Check every note, code the good ones together, put answers and problems in order."""
    checked = [_check(note, coder) for note in notes]
    works = [entry[1] for entry in checked if not isinstance(entry, ServiceError)]
    outcomes = await service.admission.run(coder, works, lane_of(len(works)), request_id, caller.id, caller.limits)
    remaining = iter(outcomes)
    items = [
        _problem_item(index, entry, request_id)
        if isinstance(entry, ServiceError)
        else _item(index, entry[0], next(remaining), coder, request_id)
        for index, entry in enumerate(checked)
    ]
    return BatchAnswer(items, works, outcomes)


def lane_of(notes: int) -> Lane:
    """A handful of notes is a person who waits; more is a program."""
    return Lane.INTERACTIVE if notes <= INTERACTIVE_NOTES else Lane.BULK


def _check(note: Any, coder: Coder) -> tuple[CodeRequest, Work] | ServiceError:
    try:
        request = CodeRequest.model_validate(note)
        return request, to_work(request, coder)
    except ValidationError as error:
        return describe(error.errors(include_input=False, include_url=False))
    except ServiceError as error:
        return error


def _item(index: int, request: CodeRequest, outcome: Outcome, coder: Coder, request_id: str) -> BatchItem:
    if isinstance(outcome, ServiceError):
        return _problem_item(index, outcome, request_id)
    return BatchItem(index=index, status=200, result=to_response(request, outcome, coder, request_id))


def _problem_item(index: int, error: ServiceError, request_id: str) -> BatchItem:
    problem = problem_of(error, request_id)
    return BatchItem(index=index, status=problem.status, problem=problem)
