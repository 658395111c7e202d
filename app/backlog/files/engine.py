"""The port to whatever runs workers, and the plainest of them: this process, one part after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from app.backlog.coding import Translator
from app.backlog.files.parts import Part, PartReport
from app.backlog.files.worker import Job, Opening, PartWorker, look


class Engine(Protocol):
    """Runs workers on the parts of a job."""

    def look(
        self, opening: Opening, translator: Translator, defaults: Mapping[str, Any]
    ) -> tuple[dict[str, Any], ...] | str:
        """As `worker.look`, where workers run."""
        ...

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[PartReport]:
        """One report a part, in any order; none where workers could not be kept alive. Raises RunRefused."""
        ...


class LocalEngine:
    """One worker in this process. threads: of the encoder, 0 = all cores."""

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads

    def look(
        self, opening: Opening, translator: Translator, defaults: Mapping[str, Any]
    ) -> tuple[dict[str, Any], ...] | str:
        """As `worker.look`."""
        return look(opening, translator, defaults)

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[PartReport]:
        """Reports in the order of the parts."""
        with closing(PartWorker.open(job, self._threads)) as worker:
            for part in parts:
                yield worker.work(part)
