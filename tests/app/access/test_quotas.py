from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.limits import NO_LIMITS, CallerLimits
from app.access.quotas import Quotas
from app.errors import RateLimited


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


steps = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 10)), min_size=1, max_size=60)


@given(per_minute=st.integers(10, 200), steps=steps)
def test_no_window_holds_more_than_a_full_bucket_and_what_flowed_in(
    per_minute: int, steps: list[tuple[float, int]]
) -> None:
    clock, limits = Clock(), CallerLimits(notes_per_minute=per_minute)
    quotas = Quotas(clock)
    taken: list[tuple[float, int]] = []
    for pause, notes in steps:
        clock.seconds += pause
        try:
            quotas.take("a", limits, notes, 0)
        except RateLimited:
            continue
        taken.append((clock.seconds, notes))
    for begin, _ in taken:
        for end in (at for at, _ in taken if at >= begin):
            inside = sum(notes for at, notes in taken if begin <= at <= end)
            assert inside <= per_minute + (end - begin) * per_minute / 60 + 1e-3


@given(per_minute=st.integers(1, 500), first=st.integers(1, 2000), second=st.integers(1, 2000))
def test_whoever_waits_as_long_as_told_is_let_through(per_minute: int, first: int, second: int) -> None:
    clock, limits = Clock(), CallerLimits(tokens_per_minute=per_minute)
    quotas = Quotas(clock)
    quotas.take("a", limits, 1, first)  # of any size: the bucket is full
    try:
        quotas.take("a", limits, 1, second)
    except RateLimited as refused:
        assert refused.retry_after is not None
        assert refused.retry_after >= 1
        clock.seconds += refused.retry_after
        quotas.take("a", limits, 1, second)


def test_large_request_is_paid_for_afterwards() -> None:
    clock, limits = Clock(), CallerLimits(tokens_per_minute=60)
    quotas = Quotas(clock)
    quotas.take("a", limits, 1, 180)
    clock.seconds = 120.0
    with pytest.raises(RateLimited) as refused:
        quotas.take("a", limits, 1, 1)
    assert refused.value.retry_after == 1
    clock.seconds = 121.0
    quotas.take("a", limits, 1, 1)


def test_refused_request_costs_nothing_of_either_limit() -> None:
    clock, limits = Clock(), CallerLimits(notes_per_minute=2, tokens_per_minute=100)
    quotas = Quotas(clock)
    quotas.take("a", limits, 2, 10)
    for _ in range(5):
        with pytest.raises(RateLimited, match="notes"):
            quotas.take("a", limits, 1, 90)
    clock.seconds = 30.0
    quotas.take("a", limits, 1, 90)


def test_callers_do_not_share_and_unlimited_ones_are_not_counted() -> None:
    quotas = Quotas(Clock())
    one = CallerLimits(notes_per_minute=1)
    quotas.take("a", one, 1, 1)
    quotas.take("b", one, 1, 1)
    for _ in range(100):
        quotas.take("c", NO_LIMITS, 1000, 1000)
    with pytest.raises(RateLimited):
        quotas.take("a", one, 1, 1)
