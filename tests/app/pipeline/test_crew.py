"""Notes side by side: every note once, in order, and an error is not lost."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.crew import SHARE, Crew, shares
from app.pipeline.note import Document, Note


def notes_of(*lengths: int) -> list[Note]:
    return [Note((Document("x" * length),)) for length in lengths]


@given(st.lists(st.integers(1, 2 * SHARE), max_size=20))
def test_shares_cover_all_notes_in_order_and_only_the_last_is_small(lengths: list[int]) -> None:
    found = shares(notes_of(*lengths))
    assert [place for part in found for place in range(part.start, part.stop)] == list(range(len(lengths)))
    assert all(sum(lengths[part]) >= SHARE for part in found[:-1])
    assert all(sum(lengths[part][:-1]) < SHARE for part in found)


@pytest.mark.parametrize("threads", [1, 4])
def test_every_note_is_worked_on_once(threads: int) -> None:
    lengths = [SHARE, 5, 7, SHARE, 2 * SHARE, 3]
    notes, found = notes_of(*lengths), dict[int, int]()

    def work(part: slice) -> None:
        for place in range(part.start, part.stop):
            assert place not in found
            found[place] = len(notes[place].documents[0].text)

    Crew(threads).each(work, notes)
    assert [found[place] for place in range(len(notes))] == lengths


def test_long_notes_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)  # broken unless two threads come
    met = list[int]()
    Crew(2).each(lambda _: met.append(meeting.wait()), notes_of(SHARE, SHARE))
    assert sorted(met) == [0, 1]


def test_short_notes_stay_in_the_thread_that_asked() -> None:
    threads = list[int]()
    Crew(2).each(lambda _: threads.append(threading.get_ident()), notes_of(5, 5))
    assert threads == [threading.get_ident()]


def test_what_a_share_raises_is_raised() -> None:
    def broken(part: slice) -> None:
        if part.start == 1:
            raise ValueError("one bad note")

    with pytest.raises(ValueError, match="one bad note"):
        Crew(2).each(broken, notes_of(SHARE, SHARE, SHARE))
    Crew(2).each(broken, [])
