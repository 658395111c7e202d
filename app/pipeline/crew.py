"""Threads that code several notes side by side: while one is in a matrix product, another one is in Python.

Notes are answered the same whatever shares their batch, so a batch may be split anywhere. Short notes stay together,
since they are encoded faster so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from app.pipeline.note import Note
from app.pipeline.threads import limit_search_threads
from model.cpu import cores

SHARE = 4_000  # characters that are worth a turn of their own: some 1,000 tokens fill the encoder's runs


class Crew:
    """threads: 0 = one for each core."""

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads or cores()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="note", initializer=limit_search_threads)

    def each(self, work: Callable[[slice], None], notes: Sequence[Note]) -> None:
        """`work` on each share of the notes. Raises what the first share that failed raised."""
        parts = shares(notes) if self._threads > 1 else [slice(0, len(notes))]
        if len(parts) < 2:
            for part in parts:
                work(part)
        else:
            for _ in self._pool.map(work, parts):
                pass


def shares(notes: Sequence[Note]) -> list[slice]:
    """Neighbouring notes of SHARE characters together, or one longer note."""
    found: list[slice] = []
    start = gathered = 0
    for place, note in enumerate(notes, start=1):
        gathered += sum(len(document.text) for document in note.documents)
        if gathered >= SHARE or place == len(notes):
            found.append(slice(start, place))
            start, gathered = place, 0
    return found
