from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.note import Document, Note
from app.serving.admission import refusal
from app.serving.limits import ServingLimits
from app.serving.load import ASSUMED_SPEED, Load, Throughput, batch_budgets
from app.serving.work import Lane, estimate_tokens

TOKENS = st.integers(0, 1_000_000)


def load(interactive: int = 0, bulk: int = 0, running: int = 0, speed: float = 1000.0) -> Load:
    return Load({Lane.INTERACTIVE: interactive, Lane.BULK: bulk}, running, speed)


@pytest.mark.parametrize(
    ("texts", "tokens"), [(("",), 1), (("abc",), 1), (("abcd",), 1), (("abcde",), 2), (("ab", "abc"), 2)]
)
def test_cost_is_a_quarter_of_the_characters_rounded_up(texts: tuple[str, ...], tokens: int) -> None:
    assert estimate_tokens(Note(tuple(Document(text) for text in texts))) == tokens


def test_speed_starts_assumed_and_follows_what_is_measured() -> None:
    throughput = Throughput()
    assert throughput.per_second == ASSUMED_SPEED
    for _ in range(100):
        throughput = throughput.after(2_000, 1.0)
    assert throughput.per_second == pytest.approx(2_000, rel=0.05)


@given(st.lists(st.tuples(st.integers(1, 100_000), st.floats(0, 1000)), max_size=20))
def test_speed_stays_finite_and_positive(batches: list[tuple[int, float]]) -> None:
    throughput = Throughput()
    for tokens, seconds in batches:
        throughput = throughput.after(tokens, seconds)
    assert 1 <= throughput.per_second < math.inf


@given(TOKENS, TOKENS, TOKENS)
def test_retry_after_is_queued_tokens_over_speed(interactive: int, bulk: int, running: int) -> None:
    busy = load(interactive, bulk, running)
    for lane in Lane:
        assert 1 <= busy.retry_after(lane) <= 600
        assert busy.retry_after(lane) >= min(600, busy.queued[lane] / 1000)
        assert busy.wait(lane) <= (interactive + bulk + running) / 1000


def test_interactive_note_waits_for_a_quarter_of_its_tokens_of_bulk() -> None:
    assert load(interactive=4_000, bulk=300_000).wait(Lane.INTERACTIVE) == pytest.approx(5.0)
    assert load(interactive=4_000, bulk=300_000).wait(Lane.BULK) == pytest.approx(304.0)


def test_bulk_batches_are_as_short_as_the_device_is_slow() -> None:
    limits = ServingLimits(batch_tokens=16_384, bulk_seconds=0.1)
    assert [batch_budgets(limits, speed)[Lane.BULK] for speed in (1.0, 20_000.0, 1e9)] == [1, 2_000, 16_384]
    assert batch_budgets(limits, 1.0)[Lane.INTERACTIVE] == 16_384


def test_refusal_names_what_is_full() -> None:
    limits = ServingLimits(queue_tokens=10_000, deadline_seconds=60.0)
    assert refusal(load(), Lane.BULK, 1_000_000, limits) is None
    assert refusal(load(interactive=9_000), Lane.INTERACTIVE, 1_000, limits) is None
    assert refusal(load(interactive=9_000), Lane.INTERACTIVE, 1_001, limits) == "queue"
    assert refusal(load(interactive=9_000, speed=100.0), Lane.INTERACTIVE, 1_000, limits) == "wait"
    assert refusal(load(bulk=10_000), Lane.INTERACTIVE, 10_000, limits) is None  # bulk does not crowd out people


@given(TOKENS, TOKENS, st.integers(1, 1_000_000))
def test_queue_is_bounded_for_all_but_a_first_request(interactive: int, bulk: int, cost: int) -> None:
    limits = ServingLimits(queue_tokens=10_000)
    for lane in Lane:
        busy = load(interactive, bulk)
        admitted = refusal(busy, lane, cost, limits) is None
        assert not admitted or not busy.queued[lane] or busy.queued[lane] + cost <= 10_000
