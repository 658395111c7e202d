"""A whole run: inputs surveyed, folder held, what is missing coded, counted. Killed at any point, it is begun again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.backlog.coding import Translator
from app.backlog.files.engine import Engine
from app.backlog.files.folder import RunFolder
from app.backlog.files.inputs import find, survey
from app.backlog.files.parts import Part, PartReport, Source, cut
from app.backlog.files.worker import Job, Opening
from app.errors import RunRefused

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a run.

    part_notes: rows of a part: what is lost of a worker that is killed
    columns:    of tables, the column of each field; empty = as the fields are called
    defaults:   fields of the request that a note has unless it gives them itself
    fields:     of the request, to tell columns that are none
    """

    inputs: tuple[Path, ...]
    output: Path
    opening: Opening
    part_notes: int = 1000
    columns: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    batch_tokens: int = 16_384


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    counts:   notes of the folder by status; None while parts are missing
    coded:    notes that this run answered, the rest was there
    failures: why parts have no file, by their numbers
    others:   files of the input folders that are of no kind that is read
    """

    counts: dict[str, int] | None
    coded: int
    parts: int
    failures: dict[int, str]
    others: int


def run(order: Order, engine: Engine, translator: Translator, tell: Tell) -> Outcome:
    """Answer every note of the inputs once. Raises RunRefused, OSError, ModelError or ArtifactError."""
    found, others = find(order.inputs)
    versions = engine.look(order.opening, translator, order.defaults)
    if isinstance(versions, str):
        raise RunRefused(versions)
    sources = survey(found, order.part_notes, order.columns, order.fields, tell)
    folder = RunFolder(order.output.absolute(), _manifest(order, sources, versions))
    with folder.held():
        parts = list(cut(sources, order.part_notes))
        missing = folder.missing(parts)
        job = Job(
            folder.path,
            folder.digest,
            sources,
            order.opening.pinned(versions),
            translator,
            versions,
            order.columns,
            order.defaults,
            order.batch_tokens,
        )
        reports = _followed(engine, job, missing, len(parts), tell) if missing else []
        failures = {report.number: report.failure for report in reports if report.failure is not None}
        left = folder.missing(parts)
        failures |= {part.number: "Its worker did not answer." for part in left if part.number not in failures}
        coded = sum(report.notes for report in reports)
        return Outcome(None if left else folder.close(parts), coded, len(parts), failures, others)


def _followed(engine: Engine, job: Job, missing: Sequence[Part], parts: int, tell: Tell) -> list[PartReport]:
    done, reports = parts - len(missing), []
    tell("code", done, parts)
    for report in engine.run(job, missing):
        reports.append(report)
        tell("code", done + len(reports), parts)
    return reports


def _manifest(order: Order, sources: Sequence[Source], versions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What an answer depends on. Paths, machines and the number of workers do not belong to it."""
    return {
        "format": 1,
        "inputs": [{"name": one.name, "bytes": one.bytes, "sha256": one.sha256, "rows": one.rows} for one in sources],
        "part_notes": order.part_notes,
        "columns": dict(order.columns),
        "defaults": dict(order.defaults),
        "backend": order.opening.backend,
        "versions": [dict(one) for one in versions],
    }
