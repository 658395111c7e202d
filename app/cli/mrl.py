"""icd-cascade mrl: what each prefix knows, against baselines, and what storing fewer dimensions costs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.options import add_artifact_flags, count, positive, settings_of
from app.cli.progress import shown_progress
from app.evaluation import report
from app.evaluation.corpora import open_corpus
from app.evaluation.errors import EvaluationError
from app.evaluation.mrl.report import PARTS, render
from app.version import VERSION

if TYPE_CHECKING:
    from app.evaluation.run import Progress
    from app.settings import Settings
    from model.encoder import Encoder


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("mrl", help="measure nested prefixes and operating points (extra [train])")
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/mrl"), help="folder of encoded wordings, narrowed indexes"
    )
    parser.add_argument("--forms", type=count, default=8000, help="wordings that are drawn; 0 = all")
    parser.add_argument("--queries", type=positive, default=500, help="queries of the retrieval tables")
    parser.add_argument("--database", type=count, default=60_000, help="wordings they are searched in; 0 = all")
    parser.add_argument("--steps", type=positive, default=300, help="of every projection")
    parser.add_argument("--epochs", type=positive, default=8, help="of every linear head")
    parser.add_argument("--seeds", type=_seeds, default=(0, 1, 2), help="of the weighting ablation, e.g. 0,1,2")
    parser.add_argument("--parts", type=_parts, help=f"only some of {', '.join(PARTS)}; default: all")
    parser.add_argument(
        "--separate", type=_checkpoint, action="append", default=[], help="D=FOLDER: a checkpoint trained for D alone"
    )
    parser.add_argument("--operating-points", action="store_true", help="only the table of dimensions kept")
    parser.add_argument("--corpus", choices=("codiesp",), help="adds the operating points, measured on its notes")
    parser.add_argument("--path", type=Path, help="folder of the corpus, as published")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=positive, help="only the first N notes")
    parser.add_argument("--top-k", type=positive, default=200)
    parser.add_argument("--threads", type=count, default=0, help="0 = all cores")
    parser.add_argument("--out", type=Path, help="write the figures as JSON here, and the report beside them as .md")
    add_artifact_flags(parser)
    parser.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> int:
    """Markdown to stdout, progress to stderr. Exit code 0, or 1 when there is nothing to measure."""
    settings = settings_of(args)
    try:
        with shown_progress() as tell:
            found = _measure(args, settings, tell)
    except EvaluationError as error:
        print(f"mrl: {error}", file=sys.stderr)
        return 1
    text = render(found)
    print(text)
    if args.out:
        report.write(found, args.out)
        args.out.with_suffix(".md").write_text(text, encoding="utf-8")
    return 0


def _measure(args: argparse.Namespace, settings: Settings, tell: Progress) -> dict[str, Any]:
    import torch

    from index_builder.loader import load
    from model.backends import open_encoder

    corpus = args.corpus or ("codiesp" if args.operating_points else None)
    if corpus and args.path is None:
        raise EvaluationError("the operating points need --path, the corpus's folder")
    if args.threads:
        torch.set_num_threads(args.threads)
    notes = open_corpus(corpus, args.path).notes(args.split)[: args.limit] if corpus else []
    encoder = open_encoder(settings.model, settings.backend)
    index = load(settings.artifacts, settings.code_set, encoder)
    found: dict[str, Any] = {
        "parameters": {"corpus": corpus, "split": args.split, "limit": args.limit, "top_k": args.top_k},
        "versions": {"service": VERSION, "model": encoder.info.version, "index": index.manifest.content_hash()},
    }
    if not args.operating_points:
        from app.evaluation.mrl.study import StudyOptions, study

        sizes = args.forms, args.queries, args.database, args.steps, args.epochs, args.seeds
        options = StudyOptions(*sizes, args.parts or PARTS)
        separate: dict[int, Encoder] = {d: open_encoder(path, settings.backend) for d, path in args.separate}
        found["study"] = study(index, encoder, separate, args.cache, options, tell)
    index.close()
    if corpus:
        from app.evaluation.mrl.operating_points import operating_points
        from app.evaluation.run import options_for

        asked = options_for(args.top_k, "balanced", "general", None)
        found["operating_points"] = operating_points(
            settings.artifacts, settings.code_set, encoder, args.cache / "points", notes, asked, tell
        )
    return found


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(PARTS)}")
    return parts


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _checkpoint(text: str) -> tuple[int, Path]:
    dimensions, _, folder = text.partition("=")
    if not folder or not dimensions.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not DIMENSIONS=FOLDER")
    return int(dimensions), Path(folder)
