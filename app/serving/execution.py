"""Notes through the coder, one call at a time, off the event loop. A note that breaks the pipeline fails alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from app.errors import CodingFailed
from app.pipeline.coder import Coder
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note
from app.serving.logs import log_failure
from app.serving.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Work:
    """One note and what is asked of it."""

    note: Note
    options: CodingOptions


Outcome = Coding | CodingFailed


class Execution:
    """A queue of calls for one worker thread; waiting for the thread counts as the stage "queue"."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="code")

    async def run(self, coder: Coder, works: Sequence[Work], request_id: str) -> list[Outcome]:
        """One outcome per work, in their order."""
        submitted = time.perf_counter()

        def call() -> list[Outcome]:
            queue_ms = 1000 * (time.perf_counter() - submitted)
            return [_queued(outcome, queue_ms) for outcome in self._code(coder, works, request_id)]

        outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, call)
        for work, outcome in zip(works, outcomes, strict=True):
            self._observe(work, outcome)
        return outcomes

    def close(self) -> None:
        """Refuse new calls and drop those that wait."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _code(self, coder: Coder, works: Sequence[Work], request_id: str) -> list[Outcome]:
        """Code together; if that fails, halve until the note that breaks is alone."""
        if not works:
            return []
        try:
            return [*coder.code([work.note for work in works], [work.options for work in works])]
        except Exception as error:
            if len(works) > 1:
                middle = len(works) // 2
                return self._code(coder, works[:middle], request_id) + self._code(coder, works[middle:], request_id)
            log_failure("coding failed", error, request_id)
            self._metrics.count_failure(error)
        return [CodingFailed("The service failed on this note. The request id finds the cause in its log.")]

    def _observe(self, work: Work, outcome: Outcome) -> None:
        if isinstance(outcome, Coding):
            characters = sum(len(document.text) for document in work.note.documents)
            returned = len(outcome.codes) + len(outcome.candidates)
            self._metrics.observe_coding(outcome.timings_ms, characters, returned)


def _queued(outcome: Outcome, queue_ms: float) -> Outcome:
    if isinstance(outcome, CodingFailed):
        return outcome
    return replace(outcome, timings_ms={"queue": queue_ms, **outcome.timings_ms})
