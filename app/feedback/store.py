"""The port to where reviews are kept, and the adapter that keeps them in one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Final, Protocol

from app.errors import FeedbackUnavailable
from app.feedback.review import Decided, Decision, OffsetUnit, Place, Review, Tally, Versions

_FILE: Final = "feedback.sqlite"
_BUSY_SECONDS: Final = 5.0
_DAY: Final = 86_400
# Tallies are kept by triggers, so that they are right after a review is replaced or has grown too old.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS reviews (
  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, request_id TEXT NOT NULL, note_id TEXT, received REAL NOT NULL,
  offset_unit TEXT NOT NULL, service TEXT NOT NULL, model TEXT NOT NULL, artifact TEXT NOT NULL,
  code_set TEXT NOT NULL, calibration TEXT, UNIQUE (owner, request_id)) STRICT;
CREATE INDEX IF NOT EXISTS reviews_by_age ON reviews (received);
CREATE TABLE IF NOT EXISTS decisions (
  review INTEGER NOT NULL REFERENCES reviews (id) ON DELETE CASCADE, place INTEGER NOT NULL, code TEXT NOT NULL,
  decision TEXT NOT NULL, evidence TEXT NOT NULL, artifact TEXT NOT NULL, calibration TEXT NOT NULL,
  PRIMARY KEY (review, code)) STRICT;
CREATE TABLE IF NOT EXISTS tallies (
  code TEXT NOT NULL, artifact TEXT NOT NULL, calibration TEXT NOT NULL, decision TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (code, artifact, calibration, decision)) STRICT;
CREATE TRIGGER IF NOT EXISTS counted AFTER INSERT ON decisions BEGIN
  INSERT INTO tallies VALUES (new.code, new.artifact, new.calibration, new.decision, 1)
  ON CONFLICT DO UPDATE SET n = n + 1; END;
CREATE TRIGGER IF NOT EXISTS uncounted AFTER DELETE ON decisions BEGIN
  UPDATE tallies SET n = n - 1 WHERE code = old.code AND artifact = old.artifact
    AND calibration = old.calibration AND decision = old.decision;
  DELETE FROM tallies WHERE code = old.code AND n < 1; END;
"""


class FeedbackStore(Protocol):
    """Reviews by who sent them and which answer they are of. Blocking; thread-safe. Raises FeedbackUnavailable."""

    def put(self, owner: str, review: Review) -> None:
        """Keep a review in place of the one of the same owner and answer, and drop what is too old or too much."""
        ...

    def reviews(self) -> Iterator[Review]:
        """All that are kept, in the order in which they came."""
        ...

    def tallies(self) -> list[Tally]:
        """Decisions by code and version, the most frequent codes first."""
        ...


class SqliteStore:
    """One file, made by the first review. days, reviews: how much is kept; clock: seconds since 1970."""

    def __init__(self, folder: Path, days: float, reviews: int, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / _FILE
        self._seconds = days * _DAY
        self._reviews = reviews
        self._clock = clock
        self._lock = threading.Lock()

    def put(self, owner: str, review: Review) -> None:
        """Keep a review; it is on disk when this returns."""
        now = self._clock()
        with self._lock, self._open() as connection:
            connection.execute("DELETE FROM reviews WHERE owner = ? AND request_id = ?", (owner, review.request_id))
            _insert(connection, owner, review, now)
            connection.execute("DELETE FROM reviews WHERE received < ?", (now - self._seconds,))
            connection.execute(
                "DELETE FROM reviews WHERE id IN (SELECT id FROM reviews ORDER BY received DESC, id DESC"
                " LIMIT -1 OFFSET ?)",
                (self._reviews,),
            )

    def reviews(self) -> Iterator[Review]:
        """All that are young enough, in the order in which they came."""
        if not self._path.exists():
            return
        with self._open() as connection:
            rows = connection.execute(
                "SELECT id, request_id, note_id, offset_unit, service, model, artifact, code_set, calibration"
                " FROM reviews WHERE received >= ? ORDER BY received, id",
                (self._clock() - self._seconds,),
            ).fetchall()
            for row in rows:
                yield _review(connection, row)

    def tallies(self) -> list[Tally]:
        """Decisions by code and version, the most frequent codes first."""
        if not self._path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute(
                "SELECT code, artifact, calibration, decision, n, SUM(n) OVER (PARTITION BY code) AS uses"
                " FROM tallies ORDER BY uses DESC, code, artifact, calibration, decision"
            ).fetchall()
        return [Tally(code, index, calibration or None, Decision(d), n) for code, index, calibration, d, n, _ in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection that commits at the end; short-lived, so that the file may be moved or deleted."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._path.exists():
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection, connection:
                connection.executescript(_SCHEMA)
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA secure_delete = ON")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise FeedbackUnavailable("Feedback cannot be stored or read now.") from error


def _insert(connection: sqlite3.Connection, owner: str, review: Review, now: float) -> None:
    versions = review.versions
    cursor = connection.execute(
        "INSERT INTO reviews (owner, request_id, note_id, received, offset_unit, service, model, artifact, code_set,"
        " calibration) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (owner, review.request_id, review.note_id, now, str(review.offset_unit), *astuple(versions)),
    )
    connection.executemany(
        "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                cursor.lastrowid,
                place,
                one.code,
                str(one.decision),
                json.dumps([astuple(words) for words in one.evidence]),
                versions.index,
                versions.calibration or "",
            )
            for place, one in enumerate(review.decisions)
        ],
    )


def _review(connection: sqlite3.Connection, row: tuple[int, str, str | None, str, str, str, str, str, str]) -> Review:
    number, request_id, note_id, unit, *versions = row
    decisions = connection.execute(
        "SELECT code, decision, evidence FROM decisions WHERE review = ? ORDER BY place", (number,)
    )
    return Review(
        request_id=request_id,
        note_id=note_id,
        offset_unit=OffsetUnit(unit),
        versions=Versions(*versions),
        decisions=tuple(
            Decided(code, Decision(decision), tuple(Place(*place) for place in json.loads(evidence)))
            for code, decision, evidence in decisions
        ),
    )
