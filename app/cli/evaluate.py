"""icd-cascade evaluate: the service's own pipeline over a coded corpus, or term -> code retrieval over the index."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

from app.cli.options import add_artifact_flags, count, positive, settings_of
from app.cli.progress import shown_progress
from app.evaluation import (
    assertion_report,
    assertion_traps,
    procedures,
    procedures_report,
    report,
    shorthand_lines,
    shorthand_report,
)
from app.evaluation.corpora import NAMES, count_codes, match, open_corpus
from app.evaluation.errors import EvaluationError
from app.evaluation.quality_report import add_section
from app.version import VERSION

if TYPE_CHECKING:
    from app.evaluation.run import Progress
    from app.pipeline.pipeline import CodingPipeline
    from app.settings import Settings
    from model.nested import Floats

TERMS = "terms"

Measured = Callable[[argparse.Namespace, "Settings", "Progress"], dict[str, Any]]
Rendered = Callable[[report.Report], RenderableType]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("evaluate", help="measure the pipeline on a coded corpus")
    parser.add_argument("--corpus", choices=(*NAMES, *ALONE), required=True)
    parser.add_argument("--path", type=Path, help="folder of the corpus, as published")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--train-split", help="split whose code frequencies make the buckets, e.g. train")
    parser.add_argument("--top-k", type=_top_k, default=200)
    parser.add_argument("--widths", choices=("card", "balanced"), default="balanced")
    parser.add_argument("--as-served", action="store_true", help="billable codes only, denied findings suppressed")
    parser.add_argument("--encoding-unit", choices=("clause", "window"), help="default: the model's own")
    parser.add_argument("--calibration", default="general")
    parser.add_argument("--threshold", type=float, help="on probability; default: the calibration's own")
    parser.add_argument("--limit", type=positive, help="only the first N notes")
    parser.add_argument("--evidence", action="store_true", help="only hold evidence against the words coders marked")
    parser.add_argument("--exact-notes", type=count, default=100, help="notes compared with exact search; 0 = none")
    parser.add_argument("--seed", type=int, default=0, help="terms: the seed that training held its terms out with")
    parser.add_argument("--queries", type=positive, default=2000, help="terms: at most so many")
    parser.add_argument("--output", type=Path, help="write the report as JSON")
    parser.add_argument("--report", type=Path, help="add to this quality report (.md, and .json beside it)")
    add_artifact_flags(parser)
    parser.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and report: tables to stdout, progress to stderr. Exit code 0, or 1 when there is nothing to measure."""
    settings = settings_of(args)
    measured, render = (_evidence, report.render) if args.evidence else ALONE.get(args.corpus, (_notes, report.render))
    try:
        with shown_progress() as tell:
            found = measured(args, settings, tell)
    except EvaluationError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    Console(highlight=False).print(render(found))
    if args.output:
        report.write(found, args.output)
    if args.report:
        try:
            add_section(found, sys.argv[1:], args.report)
        except EvaluationError as error:
            print(f"evaluate: {error}", file=sys.stderr)
            return 1
    return 0


def _notes(args: argparse.Namespace, settings: Settings, tell: Progress) -> dict[str, Any]:
    from app.evaluation import run as runner
    from app.evaluation.measure import measure

    corpus = open_corpus(args.corpus, _folder(args))
    notes = corpus.notes(args.split)[: args.limit]
    seen = corpus.notes(args.train_split) if args.train_split else None
    options = runner.options_for(args.top_k, args.widths, args.calibration, args.threshold, as_served=args.as_served)
    coder = _open(args, settings)
    done = runner.run(coder, match(notes, coder.catalog), options, args.exact_notes, tell)
    training = None if seen is None else count_codes(match(seen, coder.catalog))
    names = ("corpus", "split", "train_split", "limit", "exact_notes", "encoding_unit")
    return {
        "parameters": {name: getattr(args, name) for name in names} | {"folder": args.path.name} | asdict(options),
        "versions": {"service": VERSION, **asdict(coder.versions)},
        **measure(done, frozenset(coder.catalog.code_names), training),
    }


def _evidence(args: argparse.Namespace, settings: Settings, tell: Progress) -> dict[str, Any]:
    from app.evaluation import run as runner
    from app.evaluation.evidence_marks import marked_notes
    from app.evaluation.evidence_measure import measure_evidence
    from app.pipeline.calibration import SHIPPED, load_all

    coder = _open(args, settings)
    notes = marked_notes(args.corpus, _folder(args), args.split, coder.catalog)[: args.limit]
    options = runner.options_for(args.top_k, args.widths, args.calibration, args.threshold, as_served=args.as_served)
    loaded = load_all([SHIPPED, *settings.calibration_folders], coder.versions.model).values()
    planted = next((one.planted for one in loaded if one.planted is not None), None)
    names = ("corpus", "split", "limit", "evidence")
    return {
        "parameters": {name: getattr(args, name) for name in names} | {"folder": args.path.name} | asdict(options),
        "versions": {"service": VERSION, **asdict(coder.versions)},
        "evidence_ways": measure_evidence(coder, notes, options, planted, tell),
    }


def _terms(args: argparse.Namespace, settings: Settings, tell: Progress) -> dict[str, Any]:
    from app.evaluation.terms import evaluate_terms, read_forms
    from index_builder.loader import load
    from model.backends import open_encoder
    from model.encoder import embed

    encoder = open_encoder(settings.model, settings.backend)
    index = load(settings.artifacts, settings.code_set, encoder)
    manifest = index.manifest

    def embedded(texts: Sequence[str]) -> Floats:
        return embed(encoder, texts)

    figures = evaluate_terms(read_forms(index.catalog), index.vectors, embedded, args.seed, args.queries, tell)
    return {
        "parameters": {"corpus": TERMS, "seed": args.seed, "queries": args.queries},
        "versions": {
            "service": VERSION,
            "model": manifest.model.version,
            "index": manifest.content_hash(),
            "code_set": f"{manifest.code_set.name} {manifest.code_set.edition}",
        },
        "terms": figures,
    }


def _traps(args: argparse.Namespace, settings: Settings, tell: Progress) -> dict[str, Any]:
    from app.evaluation.assertion_measure import measure_traps

    traps = assertion_traps.read_traps(_folder(args))[: args.limit]
    return _suite(args, settings, "traps", lambda coder: measure_traps(coder, traps, args.calibration, tell))


def _shorthand(args: argparse.Namespace, settings: Settings, tell: Progress) -> dict[str, Any]:
    from app.evaluation.shorthand_measure import measure_shorthand

    lines = shorthand_lines.read_shorthand(_folder(args))[: args.limit]
    return _suite(args, settings, "shorthand", lambda coder: measure_shorthand(coder, lines, args.calibration, tell))


def _procedures(args: argparse.Namespace, settings: Settings, tell: Progress) -> dict[str, Any]:
    from app.evaluation.procedures_measure import measure_procedures

    texts = procedures.read_procedures(args.corpus, _folder(args), args.split)[: args.limit]
    return _suite(
        args,
        settings,
        "procedures",
        lambda coder: measure_procedures(coder, texts, args.calibration, args.top_k, tell),
    )


def _suite(
    args: argparse.Namespace, settings: Settings, name: str, measured: Callable[[CodingPipeline], Any]
) -> dict[str, Any]:
    """The report of a suite of short texts; its figures stand under the name."""
    coder = _open(args, settings)
    return {
        "parameters": {"corpus": args.corpus, "calibration": args.calibration},
        "versions": {"service": VERSION, **asdict(coder.versions)},
        name: asdict(measured(coder)),
    }


def _folder(args: argparse.Namespace) -> Path:
    """The corpus's folder. Raises EvaluationError where none is given."""
    if args.path is None:
        raise EvaluationError(f"--corpus {args.corpus} needs --path, the corpus's folder")
    path: Path = args.path
    return path


def _open(args: argparse.Namespace, settings: Settings) -> CodingPipeline:
    from app.pipeline.assemble import open_coder  # after the corpus: a wrong path is told at once

    return open_coder(
        settings.artifacts,
        settings.code_set,
        settings.model,
        settings.backend,
        calibrations=settings.calibration_folders,
        search=settings.search,
        early_exit=settings.early_exit,
        encoding_unit=args.encoding_unit,
    )


ALONE: dict[str, tuple[Measured, Rendered]] = {  # corpora that are no coded notes
    TERMS: (_terms, report.render),
    assertion_traps.NAME: (_traps, assertion_report.render),
    shorthand_lines.NAME: (_shorthand, shorthand_report.render),
    **dict.fromkeys(procedures.NAMES, (_procedures, procedures_report.render)),
}


def _top_k(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 200:
        raise argparse.ArgumentTypeError(f"{number} is not within 1..200")
    return number
