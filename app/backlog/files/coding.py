"""From notes to answers in one process, without a queue: what POST /v1/code would answer each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.backlog.coding import Prepared, Translator
from app.backlog.files.answers import OK, Answered
from app.backlog.limits import CUSTOM_ID_CHARACTERS
from app.backlog.lines import Line
from app.errors import CodingFailed, MalformedBody, ServiceError
from app.pipeline.coder import Coder
from app.pipeline.coding import Coding
from app.serving.logs import log_failure
from app.serving.work import Work, estimate_tokens

_FAILED: Final = "The pipeline failed on this note."


@dataclass(frozen=True, slots=True)
class Asked:
    """A note of the input and its ids. Either prepared or error is there."""

    row: int
    request_id: str
    custom_id: str | None = field(repr=False)
    note_id: str | None = field(repr=False)
    prepared: Prepared | None = field(default=None, repr=False)
    error: ServiceError | None = None


class NoteCoder:
    """Answers notes in their order.

    defaults:     fields of the request that a note has unless it gives them itself
    batch_tokens: of notes that are encoded together, by the estimate of app/serving/work.py
    """

    def __init__(self, coder: Coder, translator: Translator, defaults: Mapping[str, Any], batch_tokens: int) -> None:
        self._coder = coder
        self._translator = translator
        self._defaults = dict(defaults)
        self._batch_tokens = batch_tokens

    def answers(self, notes: Iterable[tuple[int, str, Line]]) -> Iterator[Answered]:
        """One answer per row, request id and line. A note that cannot be answered has a problem of its own."""
        for group in self._groups(self._asked(row, request_id, line) for row, request_id, line in notes):
            yield from self._answered(group)

    def _asked(self, row: int, request_id: str, line: Line) -> Asked:
        asked = Asked(row, request_id, line.custom_id, _label((line.body or {}).get("note_id")))
        try:
            if line.body is None:
                raise MalformedBody(line.fault or "The line cannot be read.")
            return replace(asked, prepared=self._translator.prepare(self._defaults | line.body, self._coder))
        except ServiceError as error:
            return replace(asked, error=error)

    def _groups(self, notes: Iterable[Asked]) -> Iterator[list[Asked]]:
        group: list[Asked] = []
        tokens = 0
        for asked in notes:
            group.append(asked)
            tokens += estimate_tokens(asked.prepared.work.note) if asked.prepared else 1
            if tokens >= self._batch_tokens:
                yield group
                group, tokens = [], 0
        if group:
            yield group

    def _answered(self, group: Sequence[Asked]) -> Iterator[Answered]:
        outcomes = iter(self._coded([asked.prepared.work for asked in group if asked.prepared is not None]))
        for asked in group:
            outcome = asked.error if asked.prepared is None else next(outcomes)
            if isinstance(outcome, Coding) and asked.prepared is not None:
                timeless = replace(outcome, timings_ms={})  # two runs give the same bytes
                body = asked.prepared.render(timeless, self._coder, asked.request_id)
                yield Answered(asked.row, asked.custom_id, asked.note_id, OK, body)
            elif isinstance(outcome, ServiceError):
                status, body = self._translator.problem(outcome, asked.request_id)
                yield Answered(asked.row, asked.custom_id, asked.note_id, status, body, explained(outcome))

    def _coded(self, works: Sequence[Work]) -> list[Coding | ServiceError]:
        """Code together; what fails is halved until the note that breaks is alone."""
        if not works:
            return []
        try:
            return list(self._coder.code([work.note for work in works], [work.options for work in works]))
        except Exception as error:
            if len(works) == 1:
                log_failure("coding failed", error)
                return [CodingFailed(_FAILED)]
        middle = len(works) // 2
        return [*self._coded(works[:middle]), *self._coded(works[middle:])]


def _label(value: Any) -> str | None:
    """A note_id that can be written beside a problem, None for anything else."""
    if not isinstance(value, str) or len(value) > CUSTOM_ID_CHARACTERS:
        return None
    return value if value.isprintable() else None  # lone surrogates are not printable


def explained(error: ServiceError) -> str:
    """An error in one line: its detail, and the fields with their limits."""
    return " ".join([error.detail, *(f"{field.field}: {field.message}" for field in error.fields)])
