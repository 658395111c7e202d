"""icd-cascade plant: train the label attention on coded notes, or measure what planting is worth (--evidence)."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.options import add_artifact_flags, positive, settings_of
from app.cli.progress import shown_progress

if TYPE_CHECKING:
    from app.evaluation.corpora import CodedNote
    from app.evaluation.plant_cache import NoteCache
    from app.evaluation.run import Progress
    from app.settings import Settings
    from index_builder.catalog import Catalog
    from model.attention.config import AttentionConfig
    from model.training.planting.notes import TrainingNote
    from model.training.planting.trainer import PlantOptions


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("plant", help="train the label attention (extra [train])")
    parser.add_argument("--corpus", default="codiesp", help="as in `evaluate`")
    parser.add_argument("--path", type=Path, required=True, help="folder of the corpus, as published")
    parser.add_argument("--split", default="train", help="split to train on")
    parser.add_argument("--dev-split", default="dev", help="split that is measured; nothing is chosen by it")
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder of encoded notes; keep it where the notes are"
    )
    parser.add_argument("--out", type=Path, help="write the attention (safetensors)")
    parser.add_argument("--limit", type=positive, help="only the first N notes of each split")
    parser.add_argument("--practice", type=Path, help="folder of practice notes: its split `train` is trained on too")
    parser.add_argument(
        "--leave-every", type=_every, help="leave out every Nth note of the corpus: those that calibrate the last stage"
    )
    parser.add_argument("--fold", type=_fold, help="I/K: leave out every K-th note from the I-th on (I from 0)")
    _add_training_flags(parser)
    evidence = parser.add_argument_group("evidence for planting")
    evidence.add_argument(
        "--evidence", type=Path, help="measure instead of training: write this .json and a .md beside"
    )
    evidence.add_argument("--seeds", type=positive, default=3)
    evidence.add_argument("--shares", type=_shares, default=(0.1, 0.25, 0.5, 1.0), help="default: 0.1,0.25,0.5,1")
    evidence.add_argument("--no-ablation", action="store_true", help="learning curves only")
    add_artifact_flags(parser)
    parser.set_defaults(run_command=run)


def _add_training_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=positive, default=6)
    parser.add_argument("--width", type=positive, default=256, help="nested prefix of tokens and codes that is read")
    parser.add_argument("--no-bias", action="store_true", help="no label-specific bias: carries no corpus's habits")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("learned", "static", "differentiable", "inattention", "boost", "bias"),
        help="leave a part of the attention out; may be given several times",
    )
    parser.add_argument("--unfreeze-encoder", type=positive, help="train so many encoder layers too, top first; slow")
    parser.add_argument("--encoder-out", type=Path, help="with --unfreeze-encoder: write the changed checkpoint here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=positive, default=1)


def run(args: argparse.Namespace) -> int:
    """Train and write, or measure and write. Exit code 0, or 1 when there is nothing to do it with."""
    from app.evaluation.errors import EvaluationError

    if args.out is None and args.evidence is None:
        print("plant: --out FILE trains, --evidence FILE measures; one of them is needed", file=sys.stderr)
        return 2
    if (args.unfreeze_encoder is None) != (args.encoder_out is None):
        print("plant: --unfreeze-encoder and --encoder-out go together", file=sys.stderr)
        return 2
    settings = settings_of(args)
    try:
        with shown_progress() as tell:
            _run(args, settings, tell)
    except EvaluationError as error:
        print(f"plant: {error}", file=sys.stderr)
        return 1
    return 0


def _run(args: argparse.Namespace, settings: Settings, tell: Progress) -> None:
    import torch

    from app.evaluation.corpora import match, open_corpus
    from app.evaluation.plant_cache import NoteCache
    from app.pipeline.threads import limit_search_threads
    from index_builder.loader import load
    from model.attention.config import AttentionConfig
    from model.backends import open_encoder
    from model.training.planting.trainer import PlantOptions

    torch.set_num_threads(args.threads)
    corpus = open_corpus(args.corpus, args.path)
    train, dev = corpus.notes(args.split)[: args.limit], corpus.notes(args.dev_split)[: args.limit]
    encoder = open_encoder(settings.model, settings.backend, threads=args.threads)
    limit_search_threads()
    index = load(settings.artifacts, settings.code_set, encoder)
    cache = NoteCache(args.cache, encoder, index, args.width)
    coded = _left(match(train, index.catalog), args.leave_every)
    notes = cache.notes(args.split, coded, tell)
    if args.practice:
        practised = _practised(args.practice, index.catalog)[: args.limit]
        notes += cache.notes("practice", practised, tell)
        coded += practised
    held = cache.notes(args.dev_split, match(dev, index.catalog), tell)
    config = AttentionConfig(width=args.width, encoder=encoder.info.version)
    options = PlantOptions(epochs=args.epochs, seed=args.seed, bias_from=None if args.no_bias else 3)
    config, options = _without(args.without, config, options)
    if args.evidence:
        _evidence(args, cache, notes, held, config, options, tell)
    if args.out:
        kept = notes if args.fold is None else [n for i, n in enumerate(notes) if i % args.fold[1] != args.fold[0]]
        _train(args, settings, cache, kept, held, config, options, coded, tell)
    index.close()


def _without(parts: list[str], config: AttentionConfig, options: PlantOptions) -> tuple[AttentionConfig, PlantOptions]:
    """Raises EvaluationError where no attention would be left."""
    from app.evaluation.errors import EvaluationError
    from app.evaluation.plant_evidence import without

    if set(config.attentions) <= set(parts):
        raise EvaluationError("without learned, static and differentiable no attention is left")
    for part in parts:
        config, options = without(part, config, options)
    return config, options


def _left(notes: list[CodedNote], every: int | None) -> list[CodedNote]:
    """Without every Nth note, the Nth first: what `calibrate --every N` learns from."""
    return [note for number, note in enumerate(notes, start=1) if every is None or number % every]


def _practised(folder: Path, catalog: Catalog) -> list[CodedNote]:
    """The split `train`; its note names the codes that may be reported too, so they are no negatives."""
    from app.evaluation.corpora import match
    from app.evaluation.practice_notes import PracticeNotes

    notes = match(PracticeNotes(folder).notes("train"), catalog)
    return [replace(note, gold=note.gold | note.uncounted) for note in notes]


def _evidence(
    args: argparse.Namespace,
    cache: NoteCache,
    notes: list[TrainingNote],
    dev: list[TrainingNote],
    config: AttentionConfig,
    options: PlantOptions,
    tell: Progress,
) -> None:
    from app.evaluation import plant_report
    from app.evaluation.plant_evidence import Plan, gather

    plan = Plan(tuple(range(args.seed, args.seed + args.seeds)), args.shares, ablation=not args.no_ablation)
    found = gather(notes, dev, cache.pool(), config, options, plan, tell)
    found["corpus"] = {"name": args.corpus, "train": args.split, "dev": args.dev_split, "limit": args.limit}
    plant_report.write(found, args.evidence)
    print(plant_report.render(found))


def _train(
    args: argparse.Namespace,
    settings: Settings,
    cache: NoteCache,
    notes: list[TrainingNote],
    dev: list[TrainingNote],
    config: AttentionConfig,
    options: PlantOptions,
    coded: list[CodedNote],
    tell: Progress,
) -> None:
    from model.training.planting.trainer import plant

    unfrozen = None
    if args.unfreeze_encoder:
        from app.evaluation.plant_encoder import unfreeze

        unfrozen = unfreeze(settings.model, args.unfreeze_encoder, cache, [*coded], args.width)
        dev = []  # the cache holds the frozen encoder's tokens
    trained = plant(
        notes,
        cache.pool(),
        config,
        options,
        dev=dev,
        source=unfrozen.source if unfrozen else None,
        layers=unfrozen.layers if unfrozen else (),
        report=tell,
    )
    record = {"corpus": args.corpus, "split": args.split, "notes": len(notes), "fold": args.fold, **trained.record()}
    record |= {"left_every": args.leave_every, "practice": args.practice is not None}
    if unfrozen:
        config = replace(config, encoder=unfrozen.export(args.encoder_out, record))
        trained.module.config = config
    trained.module.export(record).save(args.out)
    for number, losses in enumerate(trained.epochs, start=1):
        print(f"epoch {number}: train loss {losses['train_loss']:.4f}, dev loss {losses['dev_loss']:.4f}")
    print(f"{args.out}: {args.out.stat().st_size} bytes, {len(notes)} notes, seed {args.seed}")


def _fold(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count) and int(count) > 1):
        raise argparse.ArgumentTypeError(f"{text} is not I/K with 0 <= I < K")
    return int(number), int(count)


def _every(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 2 on")
    return int(text)


def _shares(text: str) -> tuple[float, ...]:
    shares = tuple(float(part) for part in text.split(","))
    if not all(0 < share <= 1 for share in shares):
        raise argparse.ArgumentTypeError(f"{text} holds a share outside (0, 1]")
    return shares
