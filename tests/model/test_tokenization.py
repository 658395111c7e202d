"""Windows cover every token once; batches keep their budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.tokenization import token_budget_batches, windows


@given(st.lists(st.integers(0, 200), min_size=1, max_size=6), st.integers(4, 60), st.integers(0, 3))
def test_kept_parts_cover_every_token_once_and_in_order(lengths: list[int], room: int, overlap: int) -> None:
    rows = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    cut = windows(rows, room, overlap)
    kept = [token for w in cut for token in range(w.keep_start, w.keep_end)]
    assert kept == list(range(int(rows[-1])))
    assert all(w.end - w.start <= room and w.start <= w.keep_start <= w.keep_end <= w.end for w in cut)


def test_a_token_inside_an_overlap_is_read_where_it_has_context_on_both_sides() -> None:
    first, second = windows(np.array([0, 15], dtype=np.int64), room=10, overlap=4)
    assert (first.start, first.end, second.start, second.end) == (0, 10, 6, 15)
    assert first.keep_end == second.keep_start == 8


@pytest.mark.parametrize("overlap", [-1, 10])
def test_an_overlap_that_cannot_work_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        windows(np.array([0, 5], dtype=np.int64), 10, overlap)


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(10, 100))
def test_batches_hold_everything_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = token_budget_batches(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in batch) <= budget or len(batch) == 1 for batch in batches)
