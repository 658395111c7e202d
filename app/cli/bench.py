"""icd-cascade bench: where the time of a note goes, and what the cascade saves and loses against exact search."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.options import add_artifact_flags, positive, settings_of
from app.cli.progress import shown_progress
from app.version import VERSION

if TYPE_CHECKING:
    from app.evaluation.run import Progress
    from app.pipeline.note import Note
    from app.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("bench", help="time the stages, and the cascade against exact search")
    parser.add_argument("--notes", type=Path, help="folder of notes, *.txt in UTF-8 (default: six invented notes)")
    parser.add_argument("--limit", type=positive, help="only the first N notes")
    parser.add_argument("--repeats", type=positive, default=5, help="times that each note is measured")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    add_artifact_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and report: tables to stdout, progress to stderr. Exit code 0, or 1 when there is nothing to measure."""
    from rich.console import Console

    from app.evaluation import bench_report, report
    from app.evaluation.errors import EvaluationError

    settings = settings_of(args)
    try:
        notes = read_notes(args.notes)[: args.limit]
        with shown_progress() as tell:
            found = bench(settings, notes, args.repeats, tell)
    except EvaluationError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    found["parameters"]["source"] = "notes of a folder" if args.notes else "invented notes"
    Console(highlight=False).print(bench_report.render(found))
    if args.output:
        report.write(found, args.output)
    return 0


def bench(settings: Settings, notes: list[Note], repeats: int, tell: Progress) -> dict[str, Any]:
    """Open the model and the index, measure, and say with what. Raises EvaluationError, ModelError, ArtifactError."""
    from app.evaluation.bench import measure
    from app.evaluation.bench_figures import figures
    from app.evaluation.machine import describe
    from app.pipeline.assemble import coder_of
    from model.backends import open_encoder

    encoder = open_encoder(settings.model, settings.backend)
    coder = coder_of(encoder, settings.artifacts, settings.code_set)
    try:
        found = figures(measure(coder, encoder, notes, repeats, tell))
    finally:
        coder.index.close()
    return {
        "parameters": {"repeats": repeats, "backend": settings.backend},
        "versions": {"service": VERSION, **asdict(coder.versions)},
        "machine": describe(),
        **found,
    }


def read_notes(folder: Path | None) -> list[Note]:
    """The notes of a folder by name, or the ones that ship. Raises EvaluationError, which names the file at fault."""
    from app.evaluation.errors import EvaluationError
    from app.evaluation.sample_notes import read_samples
    from app.pipeline.note import Document, Note

    if folder is None:
        return read_samples()
    notes = []
    for path in sorted(folder.glob("*.txt")):
        try:
            notes.append(Note((Document(path.read_bytes().decode()),)))
        except UnicodeDecodeError:
            raise EvaluationError(f"{path} is not valid UTF-8") from None
    if not notes:
        raise EvaluationError(f"{folder} holds no *.txt")
    return notes
