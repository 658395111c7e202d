"""icd-cascade exits: learn where the search stages may stop early, and say what it is worth. Off until a service is
started with the file (`--early-exit`)."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from app.cli.options import add_artifact_flags, positive, settings_of
from app.cli.progress import shown_progress
from app.evaluation.errors import EvaluationError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("exits", help="learn where the search stages may stop early")
    parser.add_argument("--corpus", default="practice", help="as in `evaluate`; its codes are not looked at")
    parser.add_argument("--path", type=Path, help="folder of the corpus (default: the practice notes that ship)")
    parser.add_argument("--split", default="all")
    parser.add_argument("--every", type=positive, default=1, help="every Nth note only")
    parser.add_argument("--calibration", default="general", help="the rule holds for it alone")
    parser.add_argument("--top-k", type=positive, default=20, help="the rule holds for it alone")
    parser.add_argument("--target", type=_share, default=0.99, help="least agreement with the whole cascade's top k")
    parser.add_argument("--all-codes", action="store_true", help="headers too, nothing suppressed: as `evaluate` asks")
    parser.add_argument("--out", type=Path, help="write the rule")
    add_artifact_flags(parser)
    parser.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> int:
    """Learn, write, and print what was learned as JSON. Exit code 0, or 1 when there is nothing to learn from."""
    from app.evaluation.corpora import open_corpus
    from app.evaluation.early_exits import measure, read_notes
    from app.evaluation.practice_notes import SHIPPED as NOTES
    from app.evaluation.run import options_for
    from app.pipeline.assemble import open_coder
    from app.pipeline.calibration import SHIPPED, load_all
    from app.pipeline.early_exit import save_rule
    from model.retrieval.early_exit import EarlyExit

    settings = settings_of(args)
    folders = settings.calibration_folders
    try:
        path = NOTES if args.path is None and args.corpus == "practice" else args.path
        if path is None:
            raise EvaluationError(f"--corpus {args.corpus} needs --path, the corpus's folder")
        notes = [coded.note for coded in open_corpus(args.corpus, path).notes(args.split)[:: args.every]]
        coder = open_coder(
            settings.artifacts, settings.code_set, settings.model, settings.backend, calibrations=folders
        )
        learned = load_all([SHIPPED, *folders], coder.versions.model)
        if args.calibration not in learned:
            raise EvaluationError(f"--calibration {args.calibration} is not loaded for this model")
        calibration = learned[args.calibration]
        options = options_for(args.top_k, "balanced", args.calibration, None, as_served=not args.all_codes)
        with shown_progress() as tell:
            read = read_notes(
                coder,
                lambda rule: coder.with_calibrations({args.calibration: replace(calibration, early_exit=rule)}),
                notes,
                options,
                tell,
            )
        found = measure(read, args.top_k, args.target, calibration.label)
    except (EvaluationError, ValueError) as error:
        print(f"exits: {error}", file=sys.stderr)
        return 1
    rule = EarlyExit(**found["rule"])
    if args.out:
        save_rule(rule, args.out)
    print(json.dumps({**found, "rule": rule.to_json()}, indent=1))
    return 0


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not within (0, 1]")
    return share
