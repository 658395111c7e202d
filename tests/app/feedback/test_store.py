from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.errors import FeedbackUnavailable
from app.feedback.review import Decision, Tally
from app.feedback.store import SqliteStore
from tests.app.feedback.reviews import accepted, place, rejected, review

DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def test_review_survives_a_restart(tmp_path: Path) -> None:
    kept = review(accepted("M10.9", place("gout"), place("foot")), rejected("J45.20"))
    SqliteStore(tmp_path, 1, 10).put("someone", kept)
    assert list(SqliteStore(tmp_path, 1, 10).reviews()) == [kept]


def test_nothing_is_made_before_the_first_review(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "feedback", 1, 10)
    assert (list(store.reviews()), store.tallies()) == ([], [])
    assert not (tmp_path / "feedback").exists()


def test_file_is_for_its_owner_only(tmp_path: Path) -> None:
    SqliteStore(tmp_path, 1, 10).put("someone", review(accepted("M10.9")))
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_review_replaces_that_of_the_same_caller_and_answer(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, 1, 10)
    store.put("someone", review(accepted("M10.9"), accepted("J45.20")))
    store.put("someone", review(rejected("M10.9")))
    store.put("another", review(accepted("M10.9")))
    assert list(store.reviews()) == [review(rejected("M10.9")), review(accepted("M10.9"))]
    assert store.tallies() == [
        Tally("M10.9", "index-1", "general 1", Decision.ACCEPTED, 1),
        Tally("M10.9", "index-1", "general 1", Decision.REJECTED, 1),
    ]


def test_old_reviews_are_not_read_and_the_next_one_removes_them(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteStore(tmp_path, 1, 10, clock)
    store.put("someone", review(accepted("M10.9"), name="old"))
    clock.now += DAY + 1
    assert list(store.reviews()) == []
    store.put("someone", review(rejected("J45.20"), name="new"))
    assert [one.request_id for one in store.reviews()] == ["new"]
    assert [(tally.code, tally.count) for tally in store.tallies()] == [("J45.20", 1)]


def test_oldest_reviews_go_when_there_are_too_many(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, 1, 3)
    for name in "abcde":
        store.put("someone", review(accepted("M10.9"), name=name))
    assert [one.request_id for one in store.reviews()] == ["c", "d", "e"]
    assert [tally.count for tally in store.tallies()] == [3]


def test_frequent_codes_are_tallied_first(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, 1, 10)
    store.put("someone", review(accepted("J45.20"), accepted("M10.9"), name="a"))
    store.put("someone", review(rejected("M10.9"), name="b"))
    assert [tally.code for tally in store.tallies()] == ["M10.9", "M10.9", "J45.20"]


def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "feedback.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(FeedbackUnavailable):
        SqliteStore(tmp_path, 1, 10).put("someone", review(accepted("M10.9")))
