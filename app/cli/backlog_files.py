"""icd-cascade backlog --engine: a backlog in files, without a service."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.cli.options import add_artifact_flags, positive, settings_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from app.backlog.files.engine import Engine
    from app.backlog.files.run import Order, Outcome

ENGINES: Final = ("ray", "local")
PART_NOTES: Final = 1000
_SHOWN: Final = 5  # failures


def add_files_flags(parser: argparse.ArgumentParser) -> None:
    """What is read, where answers go, and who works."""
    parser.add_argument("--engine", choices=ENGINES, help="code files: actors of Ray (extra [ray]), or this process")
    files = parser.add_argument_group("with --engine")
    files.add_argument("--input", type=Path, nargs="+", metavar="PATH", help="Parquet, ndjson, ndjson.gz, or folders")
    files.add_argument("--output", type=Path, metavar="FOLDER", help="folder of the answers; one run each")
    files.add_argument(
        "--columns", type=_columns, default={}, metavar="FIELD[=COLUMN],...", help="columns of tables to read"
    )
    files.add_argument(
        "--defaults", type=_defaults, default={}, metavar="JSON", help="""e.g. '{"top_k": 10}': for notes without"""
    )
    files.add_argument(
        "--part-notes", type=positive, default=PART_NOTES, help="rows that one file answers (default: %(default)s)"
    )
    files.add_argument("--also", action="append", metavar="CODE_SET[@EDITION]", help="as of serve")
    files.add_argument("--actors", type=positive, help="of Ray (default: as many as there is room for)")
    files.add_argument("--num-cpus", type=_cpus, default=1.0, help="of an actor (default: 1)")
    files.add_argument("--num-gpus", type=_gpus, default=0.0, help="of an actor, with --backend torch (default: 0)")
    files.add_argument("--address", default="local", help="of a running Ray cluster (default: one for this run)")
    add_artifact_flags(parser)


def run_files(args: argparse.Namespace) -> int:
    """Code what is missing; 0 once every note is answered, be it with a problem; 1 if parts are missing."""
    if args.input is None or args.output is None:
        print("icd-cascade: --engine needs --input and --output", file=sys.stderr)
        return 2
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        print("icd-cascade: --engine needs the extra: pip install 'icd-cascade[ray]'", file=sys.stderr)
        return 2
    from app.api.backlog_lines import LineTranslator
    from app.backlog.files.run import run
    from app.cli.progress import shown_progress  # numpy with it, which `serve` and `status` need not wait for here
    from app.serving.logs import configure_logging

    configure_logging()
    begin = time.perf_counter()
    with shown_progress() as tell, _engine(args) as engine:
        outcome = run(_order(args), engine, LineTranslator(), tell)
    return _report(outcome, args.output, time.perf_counter() - begin)


def _order(args: argparse.Namespace) -> Order:
    from app.api.schemas.request import CodeRequest
    from app.backlog.files.run import Order
    from app.backlog.files.worker import Opening

    settings = settings_of(args)
    return Order(
        inputs=tuple(args.input),
        output=args.output,
        opening=Opening(
            settings.artifacts.absolute(),
            settings.holdings,
            settings.model and settings.model.absolute(),
            settings.backend,
            tuple(folder.absolute() for folder in settings.calibration_folders),
            settings.early_exit and settings.early_exit.absolute(),
        ),
        part_notes=args.part_notes,
        columns=args.columns,
        defaults=args.defaults,
        fields=frozenset(CodeRequest.model_fields),
        batch_tokens=settings.batch_tokens,
    )


def _engine(args: argparse.Namespace) -> AbstractContextManager[Engine]:
    from app.backlog.files.engine import LocalEngine

    if args.engine == "local":
        return nullcontext(LocalEngine())
    from app.backlog.files.ray_engine import Fleet, RayEngine

    return RayEngine(Fleet(args.actors, args.num_cpus, args.num_gpus, args.address)).started()


def _report(outcome: Outcome, output: Path, seconds: float) -> int:
    if outcome.others:
        print(f"left out: {outcome.others} files that are neither Parquet nor ndjson", file=sys.stderr)
    speed = f"{outcome.coded:,} notes coded in {seconds:.0f} s, {outcome.coded / seconds:.1f} a second"
    if outcome.counts is not None:
        counts = ", ".join(f"{count:,} {name}" for name, count in outcome.counts.items())
        print(f"{output}: {counts}; {speed} by this run")
        return 0
    print(f"{output}: {len(outcome.failures)} of {outcome.parts} parts have no answers; {speed}", file=sys.stderr)
    for number, reason in sorted(outcome.failures.items())[:_SHOWN]:
        print(f"part {number}: {reason}", file=sys.stderr)
    print("Give the same command again to code what is missing.", file=sys.stderr)
    return 1


def _columns(text: str) -> dict[str, str]:
    """The type of --columns."""
    pairs = (word.partition("=") for word in text.split(","))
    columns = {name.strip(): (column or name).strip() for name, _, column in pairs}
    if not all(columns) or not all(columns.values()):
        raise argparse.ArgumentTypeError("expected fields, each alone or with its column: note_id,text=NOTE_TEXT")
    return columns


def _defaults(text: str) -> dict[str, Any]:
    """The type of --defaults."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise argparse.ArgumentTypeError("expected a JSON object of fields of /v1/code")
    return values


def _cpus(text: str) -> float:
    """The type of a flag above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _gpus(text: str) -> float:
    """The type of a flag that is 0 or above."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is negative or no number")
    return number
