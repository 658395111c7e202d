"""How much the cascade loses on live notes: a sample of them is searched again, exactly, off the request path.

The exact search is the oracle (every wording at full width). It runs in one thread of the lowest priority, one note at
a time, never back to back, and only while nobody waits for the service; what it cannot take at once is dropped.
"""

from __future__ import annotations

import os
import queue
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, runtime_checkable

from app.pipeline.note import CodingOptions, Note
from app.pipeline.threads import limit_search_threads
from app.pipeline.trace import Trace
from app.serving.answered import Answered
from app.serving.logs import log_failure
from app.serving.shadow_metrics import ShadowMetrics, ShadowResult
from app.serving.work import Work

TOP: Final = 20
_DUTY: Final = 0.05  # of the time may go into exact searches; the encoder needs the cores
_LOWEST: Final = 19


@runtime_checkable
class Traceable(Protocol):
    """A coder that can search exactly."""

    def trace(self, note: Note, options: CodingOptions, *, exact: bool = False) -> Trace:
        """The note with what every stage ranked."""
        ...


def lost(trace: Trace) -> tuple[int, int]:
    """Of the first 20 codes of the exact search: how many the cascade's first 20 lack, and how many there are."""
    if trace.exact768 is None:
        raise ValueError("the trace holds no exact search")
    exact = trace.exact768.codes[:TOP]
    return len(set(exact) - set(trace.attend.codes[:TOP])), len(exact)


class Shadow:
    """Takes a share of the answered notes. busy: whether notes wait for the service."""

    def __init__(self, share: float, busy: Callable[[], bool], metrics: ShadowMetrics) -> None:
        self._share = share
        self._busy = busy
        self._metrics = metrics
        self._random = random.Random()
        self._waiting: queue.Queue[tuple[Traceable, Work] | None] = queue.Queue(maxsize=1)
        self._free_at = 0.0  # of time.monotonic(); infinity while a note is searched
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin to take notes, unless the share is 0; returns at once."""
        if self._share:
            self._thread.start()

    def close(self) -> None:
        """Take no more notes. A search that runs is given up with the process."""
        self._share = 0.0
        with suppress(queue.Full):
            self._waiting.put_nowait(None)

    def watch(self, answered: Answered) -> None:
        """Take the note if it is sampled and nothing else is to be done; returns at once."""
        coder = answered.coder
        if self._random.random() >= self._share or not isinstance(coder, Traceable):
            return
        if time.monotonic() < self._free_at or self._busy():
            self._metrics.count(ShadowResult.DROPPED)
            return
        self._free_at = float("inf")
        self._waiting.put_nowait((coder, answered.work))

    def _work(self) -> None:
        _be_last()
        while (taken := self._waiting.get()) is not None:
            limit_search_threads()  # not before there is a note: by then the encoder's libraries are loaded
            begin = time.monotonic()
            self._search(*taken)
            del taken  # the note and its pipeline go now, not with the next sample
            seconds = time.monotonic() - begin
            self._metrics.observe(seconds)
            self._free_at = time.monotonic() + seconds * (1 / _DUTY - 1)

    def _search(self, coder: Traceable, work: Work) -> None:
        try:
            missing, of = lost(coder.trace(work.note, work.options, exact=True))
        except Exception as error:
            log_failure("shadow failed", error)
            self._metrics.count(ShadowResult.FAILED)
            return
        self._metrics.count(ShadowResult.COMPARED)
        self._metrics.add(missing, of)


def _be_last() -> None:
    """The lowest priority for the calling thread: Linux keeps one for each."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
    except OSError:  # not allowed here: the pauses between searches still hold
        return
