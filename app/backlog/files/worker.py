"""One worker: opens the pipeline once, then turns parts into files. Runs in any process; nothing it says holds text."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from app.backlog.coding import Translator
from app.backlog.files.answers import OK, write_part
from app.backlog.files.coding import NoteCoder, explained
from app.backlog.files.ndjson import LineReader
from app.backlog.files.parts import Part, PartReport, Source
from app.backlog.files.tables import TableReader
from app.backlog.lines import Line
from app.errors import DamagedShard, ServiceError
from app.pipeline.coder import Coder
from app.pipeline.holding import Holding
from app.pipeline.shelved import all_versions
from app.serving.logs import log_failure, place_of
from app.version import VERSION
from index_builder.errors import ArtifactError
from model.errors import ModelError

BEGINS: Final = 3  # of one part in one run: a note that takes the process down must not do so for ever
_BEGUN: Final = ".begun-"
_NAMESPACE: Final = uuid.UUID("3f2e2a52-8a3f-4d0f-8a63-0d5f0f6f8f6e")
_CHANGED: Final = "The input file is not as it was when the run was planned."
_OTHER: Final = "The worker opened another model, index or calibration than the run was begun with."
_GIVEN_UP: Final = f"Its worker died {BEGINS} times."


@dataclass(frozen=True, slots=True)
class Opening:
    """How the pipeline is opened, on whichever machine."""

    artifacts: Path
    holdings: tuple[Holding, ...]
    model: Path | None
    backend: str
    calibrations: tuple[Path, ...] = ()
    early_exit: Path | None = None

    def open(self, threads: int) -> Coder:
        """Verify and open. threads: of the encoder, 0 = all cores. Raises ModelError or ArtifactError."""
        from app.pipeline.assemble import open_shelf  # slow to import, and only workers need it

        return open_shelf(
            self.artifacts,
            self.holdings,
            self.model,
            self.backend,
            calibrations=self.calibrations,
            early_exit=self.early_exit,
            threads=threads,
        )

    def pinned(self, versions: Sequence[Mapping[str, Any]]) -> Opening:
        """The same with the indexes of these versions, whatever is published as current meanwhile."""
        pairs = zip(self.holdings, versions, strict=True)
        return replace(self, holdings=tuple(replace(one, index=found["index"]) for one, found in pairs))


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker must know.

    digest:   of the run's manifest; ids of answers are made of it
    columns:  the column of a table that each field is read from; empty = as the fields are called
    versions: what the run was begun with, as `versions_of` gives them
    """

    folder: Path
    digest: str
    sources: tuple[Source, ...]
    opening: Opening
    translator: Translator
    versions: tuple[Mapping[str, Any], ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    batch_tokens: int = 16_384


def versions_of(coder: Coder) -> tuple[dict[str, Any], ...]:
    """Service, model, index, code set and calibrations of every code set that is held."""
    return tuple(
        {
            "service": VERSION,
            "model": one.model,
            "index": one.index,
            "code_set": one.code_set,
            "calibrations": dict(sorted(one.calibrations.items())),
        }
        for one in all_versions(coder)
    )


def look(opening: Opening, translator: Translator, defaults: Mapping[str, Any]) -> tuple[dict[str, Any], ...] | str:
    """The versions that a worker would answer with, or why it cannot: errors of other processes arrive garbled."""
    try:
        coder = opening.open(1)
        translator.prepare({**defaults, "text": "."}, coder)
        return versions_of(coder)
    except ServiceError as error:
        return explained(error)
    except (ArtifactError, ModelError, OSError) as error:
        return str(error)


class PartWorker:
    """Turns parts into files, one at a time."""

    def __init__(self, job: Job, coder: Coder) -> None:
        self._job = job
        self._notes = NoteCoder(coder, job.translator, job.defaults, job.batch_tokens)
        self._fits = versions_of(coder) == tuple(job.versions)
        self._reader: LineReader | TableReader | None = None
        self._read: int | None = None  # the source that the reader has open

    @classmethod
    def open(cls, job: Job, threads: int) -> PartWorker:
        """With a pipeline of its own. Raises ModelError or ArtifactError."""
        return cls(job, job.opening.open(threads))

    def close(self) -> None:
        """Let go of the input."""
        if self._reader is not None:
            self._reader.close()
        self._reader = self._read = None

    def work(self, part: Part) -> PartReport:
        """Answer a part and write its file. Never raises: what fails is reported, without text."""
        if not self._fits:
            return PartReport(part.number, failure=_OTHER)
        begun = self._job.folder / f"{_BEGUN}{part.number:06d}"
        try:
            if _count(begun) > BEGINS:
                return PartReport(part.number, failure=_GIVEN_UP)
            report = self._answer(part)
            begun.unlink(missing_ok=True)
            return report
        except DamagedShard as error:
            return PartReport(part.number, failure=error.detail)
        except Exception as error:
            log_failure("part failed", error)
            return PartReport(part.number, failure=f"{type(error).__name__} at {place_of(error)}")

    def _answer(self, part: Part) -> PartReport:
        source = self._job.sources[part.source]
        answers = list(self._notes.answers(self._asked(part)))
        marks = {"icd_cascade.run": self._job.digest, "icd_cascade.part": str(part.number)}
        write_part(self._job.folder / part.file, source.name, answers, marks)
        return PartReport(part.number, len(answers), sum(one.status != OK for one in answers))

    def _asked(self, part: Part) -> Iterator[tuple[int, str, Line]]:
        for row, line in self._lines(part):
            yield row, str(uuid.uuid5(_NAMESPACE, f"{self._job.digest}.{part.source}.{row}")), line

    def _lines(self, part: Part) -> Iterator[tuple[int, Line]]:
        source = self._job.sources[part.source]
        if self._read != part.source:
            self._open(part.source)
        assert self._reader is not None
        if source.path.stat().st_size != source.bytes:
            raise DamagedShard(_CHANGED)
        return self._reader.read(part)

    def _open(self, number: int) -> None:
        self.close()
        source = self._job.sources[number]
        self._reader = TableReader(source.path, self._job.columns) if source.is_table else LineReader(source.path)
        self._read = number


def clear_begun(folder: Path) -> None:
    """Forget how often parts were begun: a new run tries them again."""
    for path in folder.glob(f"{_BEGUN}*"):
        path.unlink(missing_ok=True)


def _count(path: Path) -> int:
    """How often a part was begun and not ended, this time included: a byte each, so that it is counted at once."""
    with path.open("ab") as file:
        file.write(b".")
    return path.stat().st_size
