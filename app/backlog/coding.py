"""From lines to answers: every note goes through admission in the bulk lane, and again when the queue is full."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from app.access.limits import CallerLimits
from app.backlog.batch import BatchKey
from app.backlog.lines import Line, answer_line, read_line
from app.errors import DeadlineExceeded, MalformedBody, NotReady, Overloaded, ServiceError
from app.pipeline.coder import Coder
from app.pipeline.coding import Coding
from app.serving.service import Service
from app.serving.work import Lane, Work

CALLER: Final = "backlog"
_GROUP_SECONDS: Final = 1.0  # of the measured speed: what one shard has in the queue at a time
_LONGEST_WAIT: Final = 30.0
_LATE_ATTEMPTS: Final = 20
_UNBOUNDED: Final = CallerLimits(concurrency=1_000_000)  # groups bound it; the limits of keys are for requests
_NAMESPACE: Final = uuid.UUID("5b1d1c6e-1f0a-4ad1-9a51-94cf6f6d2b70")


class Prepared(Protocol):
    """A note that keeps to the contract, and how its answer is written."""

    @property
    def work(self) -> Work:
        """What the pipeline is asked."""
        ...

    def render(self, coding: Coding, coder: Coder, request_id: str) -> str:
        """The answer as JSON."""
        ...


class Translator(Protocol):
    """Between JSON and the pipeline; app/api implements it."""

    def prepare(self, body: Mapping[str, Any], coder: Coder) -> Prepared:
        """Check a note. Raises RequestError."""
        ...

    def problem(self, error: ServiceError, request_id: str) -> tuple[int, str]:
        """Status and problem document of an error."""
        ...


class Coded(Protocol):
    """Codes the lines of a shard; the seam that tests replace."""

    async def answer(self, key: BatchKey, first: int, lines: Sequence[bytes]) -> list[bytes]:
        """One line of results per line, in their order. first: index of the first line in its batch."""
        ...


class LineCoder:
    """Answers lines with the service's own pipeline."""

    def __init__(
        self,
        service: Service,
        translator: Translator,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._service = service
        self._translator = translator
        self._sleep = sleep

    async def answer(self, key: BatchKey, first: int, lines: Sequence[bytes]) -> list[bytes]:
        """One answer per line; a line that cannot be answered has a problem of its own."""
        read = [(first + place, read_line(raw)) for place, raw in enumerate(lines)]
        answers: list[bytes] = []
        for group in self._groups(read, [len(raw) for raw in lines]):
            answers += await asyncio.gather(*(self._answer(key, index, line) for index, line in group))
        return answers

    def _groups(self, lines: Sequence[tuple[int, Line]], sizes: Sequence[int]) -> Iterator[list[tuple[int, Line]]]:
        """Lines that together take the device about a second, at the speed of that moment."""
        group: list[tuple[int, Line]] = []
        tokens = 0
        for line, size in zip(lines, sizes, strict=True):
            group.append(line)
            tokens += size // 4
            if tokens >= self._service.batcher.load().speed * _GROUP_SECONDS:
                yield group
                group, tokens = [], 0
        if group:
            yield group

    async def _answer(self, key: BatchKey, index: int, line: Line) -> bytes:
        request_id = request_id_of(key, index)
        try:
            if line.body is None:
                raise MalformedBody(line.fault or "The line cannot be read.")
            answer = await self._code(line.body, request_id)
        except ServiceError as error:
            status, problem = self._translator.problem(error, request_id)
            return answer_line(index, line.custom_id, status, request_id, problem)
        return answer_line(index, line.custom_id, 200, request_id, answer)

    async def _code(self, body: Mapping[str, Any], request_id: str) -> str:
        """Code one note. Waits as long as it takes while the service is busy or has no index; raises ServiceError."""
        attempts, late = 0, 0
        while True:
            try:
                coder = self._service.lifecycle.require()
                prepared = self._translator.prepare(body, coder)
                [outcome] = await self._service.admission.run(
                    coder, [prepared.work], Lane.BULK, request_id, CALLER, _UNBOUNDED
                )
                if isinstance(outcome, Coding):
                    return prepared.render(outcome, coder, request_id)
                raise outcome
            except DeadlineExceeded as error:
                late += 1
                if late >= _LATE_ATTEMPTS:
                    raise
                await self._sleep(_pause(attempts, error))
            except (Overloaded, NotReady) as error:
                await self._sleep(_pause(attempts, error))
            attempts += 1


def request_id_of(key: BatchKey, index: int) -> str:
    """The id under which a line stands in results and logs: the same whenever the line is coded again."""
    return str(uuid.uuid5(_NAMESPACE, f"{key.upload}.{index}"))


def _pause(attempts: int, error: ServiceError) -> float:
    """Seconds: doubled with every attempt, at least what the error asks for, spread by half, at most half a minute."""
    wanted = max(0.25 * 2.0 ** min(attempts, 10), error.retry_after or 0)
    return min(_LONGEST_WAIT, wanted) * random.uniform(0.75, 1.25)
