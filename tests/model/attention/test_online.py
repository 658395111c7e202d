from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model.attention.inattention import inattention, softmax
from model.attention.online import online

LABELS = 3


@st.composite
def split_notes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Scores and values (L, T), some scores -inf or equal, and where the note is cut; windows may be empty."""
    size = draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    scores = np.round(rng.normal(scale=3.0, size=(LABELS, size)), draw(st.integers(0, 4))).astype(np.float32)
    scores[rng.random(scores.shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = -np.inf
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=6)))
    return scores, rng.normal(size=(LABELS, size)).astype(np.float32), [0, *cuts, size]


@settings(deadline=None, max_examples=50)
@given(split_notes(), st.sampled_from([None, 1, 2, 5, 40]))
def test_a_split_note_attends_as_the_unsplit_one(note: tuple[np.ndarray, np.ndarray, list[int]], k: int | None) -> None:
    scores, values, cuts = note
    whole = softmax(inattention(scores, k))
    state = online(LABELS, k)
    for start, end in zip(cuts, cuts[1:], strict=False):
        state.read(scores[:, start:end], values[:, start:end])
    np.testing.assert_allclose(state.attended(), (whole * values).sum(axis=1), atol=1e-6)
    assert state.attends().tolist() == whole.any(axis=1).tolist()


def test_a_late_window_pushes_an_earlier_token_out() -> None:
    state = online(1, 1)
    state.read(np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]]))
    assert state.attended().tolist() == [20.0]
    state.read(np.array([[3.0]]), np.array([[30.0]]))
    assert state.attended().tolist() == [30.0]


def test_of_equal_scores_in_two_windows_the_earlier_stays() -> None:
    state = online(1, 1)
    state.read(np.array([[2.0]]), np.array([[1.0]]))
    state.read(np.array([[2.0]]), np.array([[7.0]]))
    assert state.attended().tolist() == [1.0]
