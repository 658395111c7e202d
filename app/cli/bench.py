"""icd-cascade bench: where the time of a note goes, what the cascade saves and loses, and what a day's notes cost."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.cli.options import add_artifact_flags, count, positive, settings_of
from app.cli.progress import shown_progress
from app.version import VERSION

if TYPE_CHECKING:
    from app.evaluation.run import Progress
    from app.pipeline.note import Note
    from app.pipeline.pipeline import CodingPipeline
    from app.settings import Settings
    from model.encoder import Encoder

PARTS: Final = ("cascade", "hnsw", "encoder", "length", "forms", "gpu")
HNSW_FORMS: Final = 20_000


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("bench", help="time the stages, and the cascade against exact search")
    parser.add_argument("--notes", type=Path, help="folder of notes, *.txt in UTF-8 (default: six invented notes)")
    parser.add_argument("--limit", type=positive, help="only the first N notes")
    parser.add_argument("--repeats", type=positive, default=5, help="times that each note is measured")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    parser.add_argument("--plots", type=Path, help="folder for pictures; needs matplotlib (extra [train])")
    parser.add_argument(
        "--parts", type=_parts, default=("cascade",), help=f"what to measure, of {','.join(PARTS)} (default: cascade)"
    )
    parser.add_argument(
        "--hnsw-forms",
        type=count,
        default=HNSW_FORMS,
        help="forms in the graph, 0 for all, which takes minutes to build (default: %(default)s)",
    )
    parser.add_argument("--lengths", type=_numbers, help="characters of the notes of part length, with commas between")
    parser.add_argument("--forms", type=_numbers, help="numbers of made-up forms of part forms, with commas between")
    parser.add_argument("--sizing", type=positive, metavar="NOTES_PER_DAY", help="measure nothing: cores for a day")
    parser.add_argument("--from", type=Path, dest="figures", help="with --sizing: the JSON of an earlier run")
    add_artifact_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and report: tables to stdout, progress to stderr. Exit code 0, or 1 when there is nothing to measure."""
    from app.evaluation.errors import EvaluationError

    try:
        return _size(args) if args.sizing else _measure(args)
    except EvaluationError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def _measure(args: argparse.Namespace) -> int:
    from rich.console import Console

    from app.evaluation import bench_report, report
    from app.evaluation.benching.plots import draw
    from app.evaluation.benching.tables import render_parts

    settings = settings_of(args)
    notes = read_notes(args.notes)[: args.limit]
    with shown_progress() as tell:
        found = bench(settings, notes, args, tell)
    found["parameters"]["source"] = "notes of a folder" if args.notes else "invented notes"
    console = Console(highlight=False)
    console.print(bench_report.render(found))
    console.print(render_parts(found))
    if args.output:
        report.write(found, args.output)
    if args.plots:
        try:
            draw(found, args.plots)
        except ImportError:
            print("bench: no plots, matplotlib is not installed: pip install 'icd-cascade[train]'", file=sys.stderr)
    return 0


def _size(args: argparse.Namespace) -> int:
    from rich.console import Console

    from app.evaluation.benching.gpu_sizing import told
    from app.evaluation.benching.sizing import read_figures, sizing
    from app.evaluation.benching.tables import render_sizing
    from app.evaluation.errors import EvaluationError

    if args.figures is None:
        raise EvaluationError("--sizing needs --from, the JSON of an earlier run")
    found = read_figures(args.figures)
    rows = sizing(found, args.sizing)
    Console(highlight=False).print(render_sizing(rows, args.sizing, found["machine"]["cores"]))
    print(told(found, args.sizing))
    return 0


def bench(settings: Settings, notes: list[Note], args: argparse.Namespace, tell: Progress) -> dict[str, Any]:
    """Open the model and the index, measure, and say with what. Raises EvaluationError, ModelError, ArtifactError."""
    from app.evaluation.machine import describe
    from app.pipeline.assemble import coder_of
    from model.backends import open_encoder

    encoder = open_encoder(settings.model, settings.backend)
    coder = coder_of(encoder, settings.artifacts, settings.code_set, search=settings.search)
    try:
        found = _measured(settings, (encoder, coder), notes, args, tell)
    finally:
        coder.index.close()
    return {
        "parameters": {
            "repeats": args.repeats,
            "backend": settings.backend,
            "search": settings.search,
            "parts": list(args.parts),
        },
        "versions": {"service": VERSION, **asdict(coder.versions)},
        "machine": describe(),
        **found,
    }


def _measured(
    settings: Settings,
    opened: tuple[Encoder, CodingPipeline],
    notes: list[Note],
    args: argparse.Namespace,
    tell: Progress,
) -> dict[str, Any]:
    """Each part that was asked for, in the order of PARTS: what needs torch comes after what it would disturb."""
    from app.evaluation.bench import measure
    from app.evaluation.bench_figures import figures
    from app.evaluation.benching.encoders import measure_encoders
    from app.evaluation.benching.forms import FORMS, measure_forms
    from app.evaluation.benching.gpu import measure_gpu
    from app.evaluation.benching.hnsw import measure_hnsw
    from app.evaluation.benching.length import LENGTHS, measure_lengths
    from app.evaluation.machine import cores
    from app.evaluation.practice_notes import PracticeNotes
    from model.backends import open_encoder

    found: dict[str, Any] = {}
    encoder, coder = opened
    if "cascade" in args.parts:
        found |= figures(measure(coder, encoder, notes, args.repeats, tell))
    if "hnsw" in args.parts:
        found["hnsw"] = measure_hnsw(coder.index, encoder, notes, args.hnsw_forms, args.repeats, tell)
    if "length" in args.parts:
        texts = [coded.note.documents[0].text for coded in PracticeNotes().notes()]
        found["length"] = measure_lengths(coder, texts, args.lengths or LENGTHS, args.repeats, tell)
    if "forms" in args.parts:
        found["forms"] = measure_forms(args.forms or FORMS, args.repeats, tell)
    if "gpu" in args.parts:
        batch = notes if args.notes else [coded.note for coded in PracticeNotes().notes()]
        found["gpu"] = measure_gpu(opened, partial(_on_gpu, settings), batch, args.repeats)
    if "encoder" in args.parts:
        threaded = open_encoder(settings.model, settings.backend, threads=cores())
        found["encoders"] = measure_encoders(threaded, settings.model, notes, cores(), args.repeats)
    return found


def _on_gpu(settings: Settings) -> tuple[Encoder, CodingPipeline]:
    """The same model and index on the GPU."""
    from app.pipeline.assemble import coder_of
    from model.backends import open_encoder

    encoder = open_encoder(settings.model, "torch")
    return encoder, coder_of(encoder, settings.artifacts, settings.code_set, search="torch")


def _parts(text: str) -> tuple[str, ...]:
    """The type of --parts."""
    named = tuple(text.split(","))
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}: expected some of {','.join(PARTS)}")
    return named


def _numbers(text: str) -> tuple[int, ...]:
    """The type of a flag with several positive numbers."""
    try:
        return tuple(positive(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers with commas between") from None


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
