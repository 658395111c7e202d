"""The rule that forms batches: budget, order, nothing lost, shares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from app.serving.lanes import Lanes
from app.serving.work import Lane

BUDGETS = {Lane.INTERACTIVE: 100, Lane.BULK: 60}


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    number: int
    lane: Lane
    cost: int
    deadline: float = float("inf")
    arrived: float = 0.0


ARRIVALS = st.lists(
    st.tuples(st.sampled_from(Lane), st.integers(1, 150), st.sampled_from([1.0, float("inf")])), max_size=40
)
TURNS = st.lists(st.integers(0, 6), max_size=40)  # arrivals between two batches


def serve(lanes: Lanes[Waiting], entries: list[Waiting], turns: list[int]) -> tuple[list[list[Waiting]], list[Waiting]]:
    """Let entries arrive in groups with a batch taken after each, then drain; time 2 passes all finite deadlines."""
    batches, expired, rest = [], [], list(entries)
    for arrivals in turns:
        for entry in rest[:arrivals]:
            lanes.add(entry)
        rest = rest[arrivals:]
        batch, late = lanes.take(0.0, BUDGETS)
        batches.append(batch)
        expired += late
    for entry in rest:
        lanes.add(entry)
    while len(lanes):
        batch, late = lanes.take(2.0, BUDGETS)
        batches.append(batch)
        expired += late
    return batches, expired


@settings(max_examples=200, deadline=None)
@given(ARRIVALS, TURNS)
def test_batches_keep_budget_order_and_every_entry(arrivals: list[tuple[Lane, int, float]], turns: list[int]) -> None:
    entries = [Waiting(number, *arrival) for number, arrival in enumerate(arrivals)]
    lanes: Lanes[Waiting] = Lanes()
    batches, expired = serve(lanes, entries, turns)
    for batch in batches:
        assert len({entry.lane for entry in batch}) <= 1
        assert len(batch) <= 1 or sum(entry.cost for entry in batch) <= BUDGETS[batch[0].lane]
    answered = [entry for batch in batches for entry in batch]
    assert Counter(entry.number for entry in answered + expired) == Counter(range(len(entries)))
    for lane in Lane:
        numbers = [entry.number for entry in answered if entry.lane is lane]
        assert numbers == sorted(numbers)
        assert lanes.tokens(lane) == 0
    assert all(entry.deadline == 1.0 for entry in expired)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 150), min_size=1, max_size=20), st.lists(st.integers(1, 150), min_size=1, max_size=20))
def test_saturated_lanes_share_tokens_four_to_one(interactive: list[int], bulk: list[int]) -> None:
    lanes: Lanes[Waiting] = Lanes()
    for number in range(1500):
        lanes.add(Waiting(number, Lane.INTERACTIVE, interactive[number % len(interactive)]))
        lanes.add(Waiting(number, Lane.BULK, bulk[number % len(bulk)]))
    tokens: Counter[Lane] = Counter()
    while lanes.tokens(Lane.INTERACTIVE) and lanes.tokens(Lane.BULK):
        for entry in lanes.take(0.0, BUDGETS)[0]:
            tokens[entry.lane] += entry.cost
        # Never further apart than one batch of each lane, so neither lane starves.
        assert abs(tokens[Lane.INTERACTIVE] - 4 * tokens[Lane.BULK]) <= 150 + 4 * 150


def test_idle_lane_saves_up_no_credit() -> None:
    lanes: Lanes[Waiting] = Lanes()
    for number in range(1000):
        lanes.add(Waiting(number, Lane.INTERACTIVE, 100))
    for _ in range(500):
        lanes.take(0.0, BUDGETS)
    for number in range(1000):
        lanes.add(Waiting(number, Lane.BULK, 25))
    served = Counter(lanes.take(0.0, BUDGETS)[0][0].lane for _ in range(30))
    assert served[Lane.INTERACTIVE] >= 18  # batches of 100 against 50 tokens: two to one


def test_removed_entry_is_not_served() -> None:
    lanes: Lanes[Waiting] = Lanes()
    entries = [Waiting(number, Lane.BULK, 10) for number in range(3)]
    for entry in entries:
        lanes.add(entry)
    lanes.remove(entries[1])
    lanes.remove(entries[1])
    assert lanes.tokens(Lane.BULK) == 20
    assert lanes.take(0.0, BUDGETS)[0] == [entries[0], entries[2]]
