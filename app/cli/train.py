"""icd-cascade train: train the nested encoder from a Hugging Face encoder, with checkpoint and resume."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.progress import shown_progress
from app.cli.train_options import add_data_options, add_model_options, add_step_options

if TYPE_CHECKING:
    from app.training.course import Drawing, Sources
    from model.tokenization import TextTokenizer
    from model.training.distributed import World
    from model.training.loop import Trainer
    from model.training.network import NestedEncoder
    from model.training.options import TrainingOptions
    from model.training.pairs import Term

SHORT_CONTEXT = 256  # most tokens of a window where clauses are encoded alone
TRAINED_TOKENS = {"clause": 64, "window": 256}  # of a training text
PROBE_QUERIES, PROBE_TITLES = 400, 4000
_DATA = ("codiesp", "practice", "artifacts", "notes", "names")
_HIDDEN = {"run_command", "run", "start", "threads", "name", "command", *_DATA}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "train", help="train the nested encoder (extra [train]); several processes: torchrun -m app.cli.main train ..."
    )
    parser.add_argument("--start", required=True, help="encoder to start from: a folder or a hub id")
    parser.add_argument("--run", type=Path, required=True, help="run folder: state, logs, plots, final checkpoint")
    parser.add_argument("--name", default="icd-cascade-small", help="name in manifests and answers")
    add_model_options(parser)
    add_step_options(parser)
    add_data_options(parser)
    parser.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> int:
    """Train, resume when the run folder holds a state, export at the end. Under torchrun the first process writes."""
    import torch

    from app.training.course import Course
    from model.training.distributed import World
    from model.training.state import seed_everything

    if args.threads:
        torch.set_num_threads(args.threads)
    world = World.open()
    try:
        seed_everything(args.seed)
        args.run.mkdir(parents=True, exist_ok=True)
        terms, partners = read_code_set(args)
        try:
            trainer, terms = prepare(args, terms, world)
        except ValueError as error:  # options that do not fit the encoder or each other
            _say(f"icd-cascade train: {error}")
            return 2
        with shown_progress() as progress:
            course = Course(trainer, terms, sources(args), trainer.say, progress, partners, drawing(args))
            course.run()
        finish(trainer, args)
    finally:
        world.close()
    return 0


def prepare(args: argparse.Namespace, terms: list[Term], world: World) -> tuple[Trainer, list[Term]]:
    """The trainer at the step where it stopped or at the first, and the terms without those held out to probe it.

    Raises ValueError for options that do not fit the encoder or each other.
    """
    from model.training.probe import hold_out

    network = open_network(args)
    resolve(args, network)
    tokenizer = save_tokenizer(args.start, args.run / "source", world)
    probe = None
    if args.probe_every:
        probe, terms = hold_out(terms, queries=PROBE_QUERIES, titles=PROBE_TITLES, seed=args.seed)
    trainer = open_trainer(args, network, tokenizer, world, probe=probe)
    trainer.say(f"{len(terms)} terms of {len({t.code for t in terms})} codes")
    if args.projection == "axes":
        start_on_axes(trainer, terms)
    world.spread(network)
    trainer.resume()
    return trainer, terms


def finish(trainer: Trainer, args: argparse.Namespace) -> None:
    """Export the checkpoint; the first process does, the others wait."""
    from model.export import export

    if trainer.world.first:
        target = args.run / "checkpoint"
        version = export(trainer.network.cpu().eval(), args.run / "source", target, card(args, trainer.tokenizer))
        trainer.say(f"checkpoint {version} in {target}")
    trainer.world.wait()


def read_code_set(args: argparse.Namespace) -> tuple[list[Term], dict[str, tuple[str, ...]]]:
    """The training terms: of ICD-10-CM, of other names where given, and, where wanted, its Excludes1 partners."""
    from app.training.excludes import excludes1
    from app.training.names import name_terms
    from app.training.terms import held_out_wordings, training_terms
    from index_builder.codesets.icd10cm import ICD10CM

    code_set = ICD10CM()
    terms = training_terms(code_set, args.hold_out, args.seed)
    if args.names:
        terms += name_terms(args.names, without=held_out_wordings(code_set, args.hold_out, args.seed))
    return terms, excludes1(code_set.codes()) if args.excludes1 else {}


def open_network(args: argparse.Namespace) -> NestedEncoder:
    """The network to train, on the GPU where there is one: a checkpoint's, or one over a Hugging Face encoder."""
    import torch

    from model.checkpoint import Checkpoint
    from model.training.network import NestedEncoder

    if trained(args.start):
        network = NestedEncoder.resume(Checkpoint.open(Path(args.start)), attention=args.attention)
    else:
        layers = [int(layer) for layer in args.layers.split(",")] if args.layers else None
        network = NestedEncoder.open(args.start, layers, attention=args.attention)
    return network.to("cuda" if torch.cuda.is_available() else "cpu")


def resolve(args: argparse.Namespace, network: NestedEncoder) -> None:
    """Fill in the options whose defaults depend on the encoder and the device, so that the recipe names them.

    Raises ValueError for options that do not fit each other.
    """
    config: Any = network.backbone.config
    context = int(config.max_position_embeddings)
    short = args.encoding_unit == "clause"
    args.window = min(args.window or (SHORT_CONTEXT if short else context), context)
    args.max_tokens = min(args.max_tokens or TRAINED_TOKENS[args.encoding_unit], context - 2)
    args.layers = ",".join(str(layer) for layer in network.layers)
    args.precision = args.precision or ("bf16" if network.device.type == "cuda" else "fp32")
    if args.attention == "flash_attention_2" and args.precision != "bf16":
        raise ValueError("--attention flash_attention_2 needs --precision bf16")
    if trained(args.start):
        args.projection = "trained"
    elif args.projection is None:
        args.projection = "identity" if args.layers == "-1" and network.projection.in_features == 768 else "axes"
    if args.mine_at is None:
        args.mine_at = "" if args.artifacts or not args.codiesp else "500,900"


def open_trainer(
    args: argparse.Namespace, network: NestedEncoder, tokenizer: TextTokenizer, world: World, **more: Any
) -> Trainer:
    """The trainer with the options given. Raises ValueError for options that do not fit together."""
    from model.training.loop import Trainer
    from model.training.options import TrainingOptions

    names = {f.name for f in fields(TrainingOptions)}
    options: TrainingOptions = TrainingOptions(**{k: v for k, v in vars(args).items() if k in names})
    return Trainer(network, tokenizer, options, args.run, _say, world=world, draw=_drawing(), **more)


def start_on_axes(trainer: Trainer, terms: list[Term]) -> None:
    """Start the projection on the principal axes of some 4,000 terms."""
    from model.training.loop import rotate_to_principal_axes

    rotate_to_principal_axes(trainer, [t.pieces for t in terms[:: max(1, len(terms) // 4000)]])


def sources(args: argparse.Namespace) -> Sources:
    """Where the clauses of notes come from."""
    from app.training.course import Sources

    return Sources(
        start=Path(args.start),
        codiesp=args.codiesp,
        practice=args.practice,
        lines=args.lines,
        artifacts=args.artifacts,
        notes=args.notes,
        notes_limit=args.notes_limit,
        marks=_steps(args.mine_at),
        floor=args.mine_floor,
        window=args.encoding_unit == "window",
    )


def drawing(args: argparse.Namespace) -> Drawing:
    """How pairs are drawn from the terms."""
    from app.training.course import Drawing

    return Drawing(
        bare_share=args.bare_share,
        title_share=args.title_share,
        near_share=args.near_share,
        mistake_share=args.mistake_share,
        mistakes_at=_steps(args.mistakes_at),
    )


def save_tokenizer(start: str, folder: Path, world: World) -> TextTokenizer:
    """Configuration and fast tokenizer of a Hugging Face encoder, by hub id or folder, as files of the run."""
    from transformers import AutoConfig, AutoTokenizer

    from model.tokenization import TextTokenizer

    fast = AutoTokenizer.from_pretrained(start)
    if world.first:
        AutoConfig.from_pretrained(start).save_pretrained(folder)
        fast.save_pretrained(folder)
    world.wait()
    return TextTokenizer(folder / "tokenizer.json", first=fast.cls_token_id, last=fast.sep_token_id)


def trained(start: str) -> bool:
    """Whether the start is a checkpoint of ours, projection included."""
    return (Path(start) / "cascade.json").exists()


def card(args: argparse.Namespace, tokenizer: TextTokenizer) -> dict[str, Any]:
    """What the checkpoint says of itself."""
    return {
        "name": args.name,
        "max_tokens": args.window,
        "encoding_unit": args.encoding_unit,
        "special_tokens": {"first": tokenizer.first, "last": tokenizer.last},
        "training": recipe(args),
    }


def recipe(args: argparse.Namespace) -> dict[str, object]:
    """What the checkpoint says of its training: options, not paths of the machine it was trained on."""
    kept: dict[str, object] = {k: v for k, v in vars(args).items() if k not in _HIDDEN}
    used = {name: bool(getattr(args, name)) for name in _DATA}
    return {**kept, **used, "start": Path(args.start).name}


def _steps(text: str) -> tuple[int, ...]:
    return tuple(sorted({int(mark) for mark in text.split(",") if mark}))


def _drawing() -> Any:
    """Draws the run folder's logs, where matplotlib is there."""
    from importlib.util import find_spec

    from model.training.plots import draw

    if find_spec("matplotlib") is None:
        _say("no plots: they need the extra, pip install 'icd-cascade[train]'")
        return None
    return draw


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
