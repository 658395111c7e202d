"""The worker thread: poison notes, clients that leave, deadlines, heartbeat, the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from app.errors import CodingFailed, DeadlineExceeded, NotReady
from app.pipeline.coder import Tell, Versions
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Document, Note
from app.serving.batcher import Batcher, Entry
from app.serving.limits import ServingLimits
from app.serving.load import ASSUMED_SPEED
from app.serving.metrics import Metrics
from app.serving.work import Lane, Outcome, Work, estimate_tokens
from index_builder.catalog import Catalog

HELD = ["first", "second"]


class Recorder:
    """Answers with nothing; keeps what it was called with. gate: closed, calls wait."""

    versions = Versions("model", "index", "set")
    catalog: Catalog  # not read here

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Semaphore(0)

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        texts = [note.documents[0].text for note in notes]
        self.calls.append(texts)
        self.begun.release()
        self.gate.wait(10)
        if "exit" in texts:
            raise SystemExit
        if any("poison" in text for text in texts):
            raise ValueError(texts)
        return [Coding((), (), ()) for _ in notes]


@contextmanager
def working(limits: ServingLimits | None = None) -> Iterator[Batcher]:
    batcher = Batcher(limits or ServingLimits(), Metrics())
    batcher.start()
    yield batcher
    batcher.close()


def entry(coder: Recorder, text: str, lane: Lane = Lane.INTERACTIVE, seconds: float = 60.0) -> Entry:
    work, now = Work(Note((Document(text),)), CodingOptions()), time.monotonic()
    return Entry(coder, work, lane, estimate_tokens(work.note), "id", now, now + seconds)


def outcome(future: Future[Outcome]) -> Outcome:
    return future.result(timeout=5)


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def coder() -> Recorder:
    return Recorder()


@contextmanager
def busy(batcher: Batcher, coder: Recorder) -> Iterator[None]:
    """The coder is held up by two notes while the block runs: no other batch begins beside them."""
    coder.gate.clear()
    held = [entry(coder, text) for text in HELD]
    batcher.submit(held)
    assert coder.begun.acquire(timeout=5)
    try:
        yield
    finally:
        coder.gate.set()
    for one in held:
        outcome(one.future)


def test_what_waits_becomes_one_batch_when_the_device_is_free(coder: Recorder) -> None:
    with working() as batcher:
        with busy(batcher, coder):
            entries = [entry(coder, f"n{number}") for number in range(5)]
            batcher.submit(entries)
        codings = [outcome(waiting.future) for waiting in entries]
    assert coder.calls == [HELD, [f"n{number}" for number in range(5)]]
    assert all(isinstance(coding, Coding) and coding.timings_ms["queue"] >= 0 for coding in codings)


def test_poison_notes_fail_alone(coder: Recorder) -> None:
    texts = ["a", "poison 1", "b", "c", "d", "poison 2", "e"]
    with working() as batcher:
        with busy(batcher, coder):
            entries = [entry(coder, text) for text in texts]
            batcher.submit(entries)
        outcomes = [outcome(waiting.future) for waiting in entries]
    assert [isinstance(found, CodingFailed) for found in outcomes] == ["poison" in text for text in texts]


def test_client_that_left_is_not_served_and_frees_its_tokens(coder: Recorder) -> None:
    with working() as batcher:
        with busy(batcher, coder):
            stays, leaves = entry(coder, "stays"), entry(coder, "leaves")
            batcher.submit([stays, leaves])
            batcher.withdraw([leaves])
            assert batcher.load().queued[Lane.INTERACTIVE] == stays.cost
        outcome(stays.future)
    assert coder.calls == [HELD, ["stays"]]


def test_entry_past_its_deadline_is_answered_without_being_run(coder: Recorder) -> None:
    with working() as batcher:
        with busy(batcher, coder):
            late = entry(coder, "late", seconds=0.0)
            batcher.submit([late])
        assert isinstance(outcome(late.future), DeadlineExceeded)
    assert coder.calls == [HELD]


def test_swapped_coder_is_called_with_its_own_entries_only(coder: Recorder) -> None:
    other = Recorder()
    with working() as batcher:
        with busy(batcher, coder):
            entries = [entry(coder, "old"), entry(other, "new 1"), entry(other, "new 2")]
            batcher.submit(entries)
        for waiting in entries:
            outcome(waiting.future)
    assert (coder.calls, other.calls) == ([HELD, ["old"]], [["new 1", "new 2"]])


def test_worker_stalls_while_a_call_hangs_and_recovers(coder: Recorder) -> None:
    with working(ServingLimits(stall_seconds=0.05)) as batcher:
        with busy(batcher, coder):
            eventually(lambda: batcher.stalled)
        batcher.submit([entry(coder, "next")])
        eventually(lambda: not batcher.stalled)


def test_idle_worker_keeps_its_heartbeat() -> None:
    with working(ServingLimits(stall_seconds=1.5)) as batcher:
        time.sleep(1.7)
        assert not batcher.stalled


def test_dead_worker_answers_what_it_held_and_is_reported(coder: Recorder) -> None:
    with working() as batcher:
        with busy(batcher, coder):
            entries = [entry(coder, text, Lane.BULK) for text in ("exit", "beside")]  # whose turn it is
            entries.append(entry(coder, "waits"))
            batcher.submit(entries)
        assert all(isinstance(outcome(waiting.future), NotReady) for waiting in entries)
        eventually(lambda: batcher.stalled)
        with pytest.raises(NotReady):
            batcher.submit([entry(coder, "more")])


def test_closing_finishes_what_runs_and_answers_what_waits(coder: Recorder) -> None:
    with working() as batcher:
        with busy(batcher, coder):
            waits = entry(coder, "waits")
            batcher.submit([waits])
            batcher.close()
        assert isinstance(outcome(waits.future), NotReady)
    assert coder.calls == [HELD]


class Early(Recorder):
    """Says its codings last note first, and breaks at poison after it has answered what stands behind."""

    def code_telling(self, notes: Sequence[Note], options: Sequence[CodingOptions], tell: Tell) -> None:
        self.calls.append([note.documents[0].text for note in notes])
        for place in reversed(range(len(notes))):
            if "poison" in notes[place].documents[0].text:
                raise ValueError("poison")
            tell(place, Coding((), (), ()))
            self.begun.release()
            self.gate.wait(10)


def test_a_note_is_answered_while_its_batch_still_runs() -> None:
    coder = Early()
    coder.gate.clear()
    with working() as batcher:
        first, last = entry(coder, "one"), entry(coder, "two")
        batcher.submit([first, last])
        assert isinstance(last.future.result(10), Coding)
        assert not first.future.done()
        coder.gate.set()
        assert isinstance(first.future.result(10), Coding)


def test_what_was_answered_before_a_batch_broke_is_not_coded_again() -> None:
    coder = Early()
    with working() as batcher:
        entries = [entry(coder, text) for text in ("one", "two", "poison", "four")]
        batcher.submit(entries)
        outcomes = [one.future.result(10) for one in entries]
    assert [isinstance(outcome, Coding) for outcome in outcomes] == [True, True, False, True]
    assert isinstance(outcomes[2], CodingFailed)
    assert sum("four" in call for call in coder.calls) == 1


def test_the_next_batch_begins_when_one_note_is_left() -> None:
    coder = Early()
    coder.gate.clear()
    with working() as batcher:
        held = [entry(coder, text) for text in ("one", "two", "three")]
        batcher.submit(held)
        assert isinstance(held[2].future.result(10), Coding)
        batcher.submit([entry(coder, "next"), entry(coder, "after")])
        time.sleep(0.05)
        assert coder.calls == [["one", "two", "three"]]  # two notes are left
        assert batcher.load().running == sum(one.cost for one in held)
        coder.gate.set()
        eventually(lambda: len(coder.calls) == 2)


def test_a_single_note_keeps_no_other_waiting_and_two_batches_are_the_most(coder: Recorder) -> None:
    coder.gate.clear()
    with working() as batcher:
        entries = [entry(coder, text) for text in ("one", "two", "three")]
        for one in entries[:2]:
            batcher.submit([one])
            assert coder.begun.acquire(timeout=5)
        batcher.submit(entries[2:])
        assert not coder.begun.acquire(timeout=0.05)
        coder.gate.set()
        assert all(isinstance(outcome(one.future), Coding) for one in entries)
    assert coder.calls == [["one"], ["two"], ["three"]]


def test_seconds_that_batches_share_count_once_in_the_speed() -> None:
    """Two notes side by side in the time of one are coded at twice the speed."""

    class Sleeping(Recorder):
        def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
            self.begun.release()
            time.sleep(0.5)
            return super().code(notes, options)

    coder = Sleeping()
    with working() as batcher:
        entries = [entry(coder, "fever " * 4000) for _ in range(2)]
        for one in entries:
            batcher.submit([one])
            assert coder.begun.acquire(timeout=5)
        for one in entries:
            outcome(one.future)
        eventually(lambda: not batcher.load().running)
        tokens = ASSUMED_SPEED + sum(one.cost for one in entries)  # the assumed speed counts like a second
        assert tokens / 2.0 < tokens / 1.8 < batcher.load().speed


def test_the_first_answer_counts() -> None:
    """A share of a batch that failed may still run while its notes are coded again."""

    class Twice(Recorder):
        def code_telling(self, notes: Sequence[Note], options: Sequence[CodingOptions], tell: Tell) -> None:
            tell(0, Coding((), (), ()))
            tell(0, Coding((), (), ()))

    with working() as batcher:
        one = entry(Twice(), "one")
        batcher.submit([one])
        assert isinstance(one.future.result(10), Coding)
        assert not batcher.stalled
