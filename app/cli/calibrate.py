"""icd-cascade calibrate: learn from coded notes how scores become probabilities (extra [calibrate])."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.options import add_artifact_flags, positive, settings_of
from app.cli.progress import shown_progress
from app.evaluation.corpora import NAMES, CodedNote, count_codes, match, open_corpus
from app.evaluation.errors import EvaluationError
from app.evaluation.line_notes import line_notes
from app.evaluation.practice_notes import PracticeNotes
from app.evaluation.transcripts import Transcripts
from index_builder.tables.lines import load_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.pipeline.pipeline import CodingPipeline

KINDS = ("best", "trees", "linear")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("calibrate", help="learn probabilities and thresholds from coded notes")
    parser.add_argument("--corpus", choices=NAMES, required=True)
    parser.add_argument("--path", type=Path, required=True, help="folder of the corpus, as published")
    parser.add_argument("--split", default="train")
    parser.add_argument("--name", required=True, help="what requests call it, e.g. general")
    parser.add_argument("--out", type=Path, required=True, help="folder for <name>.calibration.json.gz")
    parser.add_argument("--every", type=int, default=1, help="learn on every Nth note: those that trained no encoder")
    parser.add_argument("--practice", type=Path, help="folder of practice notes: its split `aside` is learned from too")
    parser.add_argument("--practice-weight", type=float, default=1.0, help="what one of them counts beside the others")
    parser.add_argument("--transcripts", type=Path, help="folder of MTSamples: its coded rows but those kept aside")
    parser.add_argument("--transcript-weight", type=float, default=1.0, help="what one of them counts beside others")
    parser.add_argument(
        "--line-weight", type=float, default=0.0, help="of a marked line of the tables; 0 = none is read"
    )
    parser.add_argument("--attention", type=Path, help="label attention of `plant` that was not trained on these notes")
    parser.add_argument("--frequency", action="store_true", help="prefer codes that these coders use often")
    parser.add_argument(
        "--prior-notes", type=Path, nargs="*", help="CSV files and folders of uncoded notes for a prior"
    )
    parser.add_argument("--prior-of", default="general", help="else the prior of this calibration, of whatever model")
    parser.add_argument("--search-weight", type=float, default=0.03, help="of the priors when candidates are chosen")
    parser.add_argument("--usage-weight", type=float, default=0.0, help="of how ordinary a code is, a tier, likewise")
    parser.add_argument("--candidates", type=float, default=0.02, help="least probability of a candidate")
    parser.add_argument("--kind", choices=KINDS, default="best")
    parser.add_argument("--trees", type=positive, default=140, help="how many, where the kind is trees")
    parser.add_argument("--leaves", type=positive, default=20, help="most leaves of a tree")
    parser.add_argument("--leave-out", nargs="*", default=(), help="features that are not to be read")
    parser.add_argument("--offset", nargs="*", default=(), help="FEATURE=VALUE: not learned, added to the logit")
    parser.add_argument(
        "--combine",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="report combination codes in place of their parts (the Official Guidelines; coders of mentions do not)",
    )
    parser.add_argument("--depth", type=int, default=200, help="top_k of the shortlists that are learned from")
    parser.add_argument("--seed", type=int, default=0)
    add_artifact_flags(parser)
    parser.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> int:
    """Learn, write and say what was learned."""
    from app.evaluation.calibration.last_stage import TreeSize
    from app.evaluation.calibration.learn import Recipe, learn
    from app.pipeline.assemble import open_coder
    from app.pipeline.calibration import attention_file, open_attention, save

    settings = settings_of(args)
    folders = settings.calibration_folders
    try:
        coded = open_corpus(args.corpus, args.path).notes(args.split)
        coder = open_coder(
            settings.artifacts, settings.code_set, settings.model, settings.backend, calibrations=folders
        )
        attention = open_attention(args.attention, coder.versions.model) if args.attention else None
        counted = match(coded, coder.catalog)
        recipe = Recipe(
            name=args.name,
            with_frequency=args.frequency,
            search_weight=args.search_weight,
            usage_weight=args.usage_weight,
            kind=args.kind,
            size=TreeSize(args.trees, args.leaves),
            depth=args.depth,
            seed=args.seed,
            candidates=args.candidates,
            left_out=tuple(args.leave_out),
            combine=args.combine,
            offsets={name: float(value) for name, value in (one.split("=", 1) for one in args.offset)},
        )
        with shown_progress() as tell:
            prior = _prior(args, coder, counted, folders)
            notes = counted[args.every - 1 :: args.every]
            practised = match(PracticeNotes(args.practice).notes("aside"), coder.catalog) if args.practice else []
            written = match(Transcripts(args.transcripts).notes("train"), coder.catalog) if args.transcripts else []
            lines = match(line_notes(load_lines()), coder.catalog) if args.line_weight else []
            weights = [1.0] * len(notes) + [args.practice_weight] * len(practised)
            weights += [args.transcript_weight] * len(written) + [args.line_weight] * len(lines)
            read = [*notes, *practised, *written, *lines]
            learned = learn(coder, read, counted, prior, recipe, tell, weights, attention)
    except (EvaluationError, ValueError) as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / f"{args.name}.calibration.json.gz"
    if learned.attention:
        _copy(args.attention, attention_file(args.out, args.name))
    version = save(learned, file)
    print(json.dumps({"name": args.name, "version": version, "file": str(file), **learned.learned}, indent=1))
    return 0


def _copy(source: Path, target: Path) -> None:
    """In one step, so that a service that starts meanwhile finds the old file or the new one."""
    part = target.with_suffix(".part")
    part.write_bytes(source.read_bytes())
    part.replace(target)


def _prior(
    args: argparse.Namespace, coder: CodingPipeline, counted: list[CodedNote], folders: tuple[Path, ...]
) -> Mapping[str, float]:
    """Learned anew from uncoded notes, or another calibration's."""
    from app.evaluation.calibration.prior import learn_prior, literal_uses
    from app.pipeline.calibration import SHIPPED, read_all

    if args.prior_notes:
        uses = literal_uses(coder.catalog, _texts(args.prior_notes))
        return learn_prior(coder.catalog, set(count_codes(counted)), uses)
    known = {one.name: one.prior for one, _ in read_all([SHIPPED, *folders])}  # of codes: any model's will do
    if args.prior_of not in known:
        raise EvaluationError(f"--prior-of {args.prior_of} is no calibration that is there: give --prior-notes")
    return known[args.prior_of]


def _texts(sources: list[Path]) -> Iterator[str]:
    """Uncoded notes: .txt files of folders, rows of CSV files (those kept aside for looking at answers left out)."""
    from app.training.keeping import read_texts

    for source in sources:
        if source.is_dir():
            for file in sorted(source.glob("*.txt")):
                yield file.read_text(encoding="utf-8")
        else:
            csv.field_size_limit(10_000_000)
            yield from read_texts(source)
