"""Encodes the chunks of an index in several processes; a chunk is a file, so which process wrote it does not show."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING

from model.backends import open_encoder

if TYPE_CHECKING:
    from index_builder.embedding import ChunkJob
    from model.encoder import Encoder

_AHEAD = 2  # chunks waiting per process: enough that none is idle, and few texts are copied in vain when stopped


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """Where each process finds its encoder: arguments of `model.backends.open_encoder`."""

    path: Path | None
    backend: str


class EncodingProcesses:
    """A pool of processes, each with an encoder of its own that uses `threads` threads."""

    def __init__(self, executor: ProcessPoolExecutor, count: int) -> None:
        self._executor, self._count = executor, count

    def run(self, jobs: Iterable[ChunkJob]) -> Iterator[int]:
        """Encode and write the chunks; yields the number of each once its file is there, in the order of finishing.

        Raises what the encoder raises; chunks that were finished stay.
        """
        left = iter(jobs)
        running: dict[Future[None], int] = {}
        for job in islice(left, self._count * _AHEAD):
            running[self._executor.submit(_encode, job)] = job.number
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number = running.pop(future)
                future.result()
                if (following := next(left, None)) is not None:
                    running[self._executor.submit(_encode, following)] = following.number
                yield number


@contextmanager
def encoding_processes(source: EncoderSource, count: int, *, threads: int = 1) -> Iterator[EncodingProcesses]:
    """Start `count` processes and end them, also when the caller is stopped. They are spawned: a fork would copy the
    locks of this process's threads."""
    executor = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _open, (source, threads))
    try:
        yield EncodingProcesses(executor, count)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


_encoder: Encoder | None = None  # of a worker process


def _open(source: EncoderSource, threads: int) -> None:
    global _encoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent ends the pool
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _encoder = open_encoder(source.path, source.backend, threads=threads)


def _end_with_parent() -> None:
    """A killed parent closes nothing: without this its processes would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _encode(job: ChunkJob) -> None:
    from index_builder.embedding import encode_chunk

    assert _encoder is not None
    encode_chunk(_encoder, job)
