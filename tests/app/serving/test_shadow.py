"""The recall shadow: what it counts, and that it stays out of the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from app.pipeline.coder import Coder, Versions
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.trace import Ranking, Trace
from app.serving.answered import Answered
from app.serving.shadow import Shadow, lost
from app.serving.shadow_metrics import ShadowMetrics
from app.serving.work import Work
from index_builder.catalog import Catalog
from tests.app.pipeline.conftest import pipeline

__all__ = ["pipeline"]  # a fixture

NOTHING = Coding((), (), ())
NO_CODES = Ranking((), ())
EMPTY = Trace(NO_CODES, NO_CODES, NO_CODES, attend=NO_CODES, exact768=None, final=NOTHING)
WORK = Work(Note((Document("type 2 diabetes; acute appendicitis; shingles"),)), CodingOptions(top_k=20))


def ranking(*codes: str) -> Ranking:
    return Ranking(codes, tuple(1 - at / 100 for at in range(len(codes))))


def trace(cascade: Sequence[str], exact: Sequence[str]) -> Trace:
    return replace(EMPTY, attend=ranking(*cascade), exact768=ranking(*exact))


class Traced:
    """Answers every trace with the same; gate: closed, a search waits."""

    versions = Versions("model", "index", "set")
    catalog: Catalog  # not read here

    def __init__(self, answer: Trace | Exception) -> None:
        self._answer = answer
        self.gate = threading.Event()
        self.gate.set()
        self.threads: list[str] = []

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        raise NotImplementedError

    def trace(self, note: Note, options: CodingOptions, *, exact: bool = False) -> Trace:
        assert exact
        self.threads.append(threading.current_thread().name)
        self.gate.wait(5)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Watched:
    """A shadow and its numbers."""

    def __init__(self, share: float = 1.0, busy: Callable[[], bool] = lambda: False) -> None:
        self._registry = CollectorRegistry()
        self.shadow = Shadow(share, busy, ShadowMetrics(self._registry))
        self.shadow.start()

    def offer(self, coder: Coder) -> None:
        self.shadow.watch(Answered(coder, WORK, NOTHING, 0))

    def notes(self, result: str) -> float | None:
        return self._registry.get_sample_value("icd_shadow_notes_total", {"result": result})

    def value(self, name: str) -> float | None:
        return self._registry.get_sample_value(name)


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_lost_are_the_first_20_of_the_exact_search_that_the_first_20_of_the_cascade_lack() -> None:
    many = [f"A{at:02}" for at in range(40)]
    assert lost(trace(many, many)) == (0, 20)
    assert lost(trace(many[1:], many)) == (1, 20)  # A00 is lost; A20 stands in its place
    assert lost(trace([*many[20:], *many[:20]], many)) == (20, 20)  # below the first 20 does not count
    assert lost(trace(many[:2], many[:3])) == (1, 3)
    assert lost(trace([], [])) == (0, 0)


def test_a_trace_without_exact_search_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no exact search"):
        lost(EMPTY)


def test_sampled_note_is_searched_in_another_thread_and_counted() -> None:
    watched, coder = Watched(), Traced(trace(["A", "B"], ["A", "C", "B", "D"]))
    watched.offer(coder)
    eventually(lambda: watched.notes("compared") == 1)
    assert coder.threads == ["shadow"]
    assert (watched.value("icd_shadow_lost_codes_total"), watched.value("icd_shadow_exact_codes_total")) == (2, 4)
    eventually(lambda: watched.value("icd_shadow_duration_seconds_count") == 1)


def test_what_comes_while_it_searches_is_dropped_not_queued() -> None:
    watched, coder = Watched(), Traced(trace(["A"], ["A"]))
    coder.gate.clear()
    for _ in range(5):
        watched.offer(coder)
    assert watched.notes("dropped") == 4
    coder.gate.set()
    eventually(lambda: watched.notes("compared") == 1)


def test_it_rests_after_a_search() -> None:
    watched, coder = Watched(), Traced(trace(["A"], ["A"]))
    coder.gate.clear()
    watched.offer(coder)
    time.sleep(0.05)
    coder.gate.set()
    eventually(lambda: watched.value("icd_shadow_duration_seconds_count") == 1)
    time.sleep(0.01)
    watched.offer(coder)  # it has rested 0.01 s of the 0.95 s that 0.05 s of search cost
    assert watched.notes("dropped") == 1


def test_nothing_is_searched_while_notes_wait() -> None:
    watched = Watched(busy=lambda: True)
    watched.offer(Traced(trace(["A"], ["A"])))
    assert watched.notes("dropped") == 1


def test_share_is_kept_and_0_is_off() -> None:
    watched = Watched(share=0.2, busy=lambda: True)
    for _ in range(2000):
        watched.offer(Traced(trace(["A"], ["A"])))
    assert 300 < (watched.notes("dropped") or 0) < 500  # 5 standard deviations
    off = Watched(share=0.0)
    off.offer(Traced(trace(["A"], ["A"])))
    assert off.notes("dropped") == off.notes("compared") == 0


def test_failure_is_counted_and_the_next_note_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    watched.offer(Traced(ValueError("a message with a note in it")))
    eventually(lambda: watched.notes("failed") == 1)
    eventually(lambda: watched.value("icd_shadow_duration_seconds_count") == 1)

    def taken() -> bool:  # the pause after a search grows with its duration: offered until it is over
        watched.offer(Traced(trace(["A"], ["A"])))
        return (watched.notes("compared") or 0) >= 1

    eventually(taken)
    assert "note in it" not in caplog.text


def test_real_pipeline_over_a_small_index_loses_nothing(pipeline: CodingPipeline) -> None:
    watched = Watched()
    watched.offer(pipeline)
    eventually(lambda: watched.notes("compared") == 1)
    assert watched.value("icd_shadow_lost_codes_total") == 0
    assert (watched.value("icd_shadow_exact_codes_total") or 0) >= 10
