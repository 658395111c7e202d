"""icd-cascade train: train the nested encoder from a Hugging Face encoder, with checkpoint and resume."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.pipeline.note import Note
    from index_builder.codesets.protocol import SurfaceForm
    from model.tokenization import TextTokenizer
    from model.training.loop import Trainer
    from model.training.mining import CodedNote
    from model.training.pairs import Clause, Term


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("train", help="train the nested encoder (extra [train])")
    parser.add_argument("--start", required=True, help="encoder to start from: a folder or a hub id")
    parser.add_argument("--run", type=Path, required=True, help="run folder: state, log, final checkpoint")
    parser.add_argument("--name", default="icd-cascade-small", help="name in manifests and answers")
    parser.add_argument("--window", type=int, default=256, help="most tokens that are encoded in one go")
    parser.add_argument("--encoding-unit", choices=("clause", "window"), default="clause", help="what serving encodes")
    parser.add_argument("--layers", default="3,-1", help="hidden states that the projection reads")
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=6e-5)
    parser.add_argument("--temperature", type=float, default=0.05)
    parser.add_argument("--clause-share", type=float, default=0.2, help="share of pairs from coded notes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0 = all cores")
    parser.add_argument("--codiesp", type=Path, help="CodiEsp folder: clauses of its training notes are mined")
    parser.add_argument(
        "--artifacts", type=Path, help="an index of the start model: finds its mistakes on marked words"
    )
    parser.add_argument("--notes", type=Path, help="CSV of notes without codes, for self-training")
    parser.add_argument("--notes-limit", type=int, default=400, help="how many of them are read")
    parser.add_argument("--mine-at", default="500,900", help="steps at which clauses are mined with the model so far")
    parser.add_argument("--mine-floor", type=float, default=0.45, help="least cosine of a mined clause")
    parser.add_argument("--hold-out", type=float, default=0.0, help="share of 3-character categories without terms")
    parser.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> int:
    """Train, resume when the run folder holds a state, export at the end."""
    import torch

    from model.checkpoint import Checkpoint
    from model.export import export
    from model.training.loop import Trainer, TrainingOptions, rotate_to_principal_axes, seed_everything
    from model.training.network import NestedEncoder

    if args.threads:
        torch.set_num_threads(args.threads)
    seed_everything(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    names = {f.name for f in fields(TrainingOptions)}
    options = TrainingOptions(**{k: v for k, v in vars(args).items() if k in names})
    terms = training_terms(args.hold_out, args.seed)
    _say(f"{len(terms)} terms of {len({t.code for t in terms})} codes")
    trained = (Path(args.start) / "cascade.json").exists()
    layers = [int(layer) for layer in args.layers.split(",")]
    network = (
        NestedEncoder.resume(Checkpoint.open(Path(args.start))) if trained else NestedEncoder.open(args.start, layers)
    )
    tokenizer = save_tokenizer(args.start, args.run / "source")
    trainer = Trainer(network, tokenizer, options, args.run, _say)
    if not trained:
        rotate_to_principal_axes(trainer, [t.pieces for t in terms[:: max(1, len(terms) // 4000)]])
    trainer.resume()
    train(trainer, terms, args)
    card = {
        "name": args.name,
        "max_tokens": args.window,
        "encoding_unit": args.encoding_unit,
        "special_tokens": {"first": tokenizer.first, "last": tokenizer.last},
        "training": {k: str(v) if isinstance(v, Path) else v for k, v in recipe(args).items()},
    }
    version = export(network.eval(), args.run / "source", args.run / "checkpoint", card)
    _say(f"checkpoint {version} in {args.run / 'checkpoint'}")
    return 0


def train(trainer: Trainer, terms: Sequence[Term], args: argparse.Namespace) -> None:
    """Train in stretches: at every mark the clauses of the coded notes are mined anew with the model so far."""
    from model.training.mining import mine_clauses
    from model.training.pairs import PairSampler

    marks = sorted({int(m) for m in args.mine_at.split(",")} if args.codiesp else set())
    clauses: list[Clause] = marked_and_literal(args) if args.artifacts else []
    fixed = bool(clauses)
    for stop in [m for m in [*marks, args.steps] if trainer.step < m <= args.steps]:
        if not fixed and any(m <= trainer.step for m in marks):
            notes = coded_notes(args.codiesp / "train")
            clauses = mine_clauses(notes, terms, trainer.embed, floor=args.mine_floor)
            _say(f"mined {len(clauses)} clauses from {len(notes)} notes")
        sampler = PairSampler(terms, clauses, seed=args.seed + trainer.step, clause_share=args.clause_share)
        trainer.train(sampler, until=stop)


def marked_and_literal(args: argparse.Namespace) -> list[Clause]:
    """Clauses whose words were marked by coders, with the start model's mistakes, and clauses of uncoded notes.

    They are kept in the run folder, so that a resumed run goes on with the same ones.
    """
    from app.pipeline.assemble import open_coder
    from app.training.clauses import coded_clauses, literal_clauses
    from app.training.keeping import read_clauses, read_notes, write_clauses
    from app.training.mentions import marked_clauses
    from model.backends import open_encoder

    kept = args.run / "clauses.jsonl"
    if kept.exists():
        return read_clauses(kept)
    pipeline = open_coder(args.artifacts, "icd-10-cm", Path(args.start), "onnx")
    clauses: list[Clause] = []
    if args.codiesp:
        marked = marked_clauses(args.codiesp, "train", pipeline.catalog)
        clauses += coded_clauses(marked, open_encoder(Path(args.start), "onnx"), pipeline)
        _say(f"{len(clauses)} queries from {len(marked)} marked mentions")
    if args.notes:
        literal = literal_clauses(read_notes(args.notes, args.notes_limit), pipeline, least=0.93, longer=2)
        _say(f"{len(literal)} clauses of uncoded notes name a code almost literally")
        clauses += literal
    write_clauses(clauses, kept)
    return clauses


def save_tokenizer(start: str, folder: Path) -> TextTokenizer:
    """Configuration and fast tokenizer of a Hugging Face encoder, by hub id or folder, as files of the run."""
    from transformers import AutoConfig, AutoTokenizer

    from model.tokenization import TextTokenizer

    AutoConfig.from_pretrained(start).save_pretrained(folder)
    fast = AutoTokenizer.from_pretrained(start)
    fast.save_pretrained(folder)
    return TextTokenizer(folder / "tokenizer.json", first=fast.cls_token_id, last=fast.sep_token_id)


def recipe(args: argparse.Namespace) -> dict[str, object]:
    """What the checkpoint says of its training: options, not paths of the machine it was trained on."""
    hidden = {"run_command", "run", "start", "codiesp", "threads", "name", "command"}
    kept: dict[str, object] = {k: v for k, v in vars(args).items() if k not in hidden}
    return {**kept, "start": Path(args.start).name, "codiesp": bool(args.codiesp)}


def training_terms(hold_out: float, seed: int) -> list[Term]:
    """The code set's surface forms as training terms; held-out categories keep their titles only."""
    from index_builder.codesets.icd10cm import ICD10CM
    from index_builder.codesets.protocol import FormSource
    from model.training.pairs import Term

    def pieces(form: SurfaceForm) -> tuple[str, ...]:
        if not form.extension:
            return (form.text,)
        return (form.text[: form.extension].strip(" ,"), form.text[form.extension :].strip(" ,"))

    code_set = ICD10CM()
    held: frozenset[str] = frozenset()
    if hold_out:
        from app.evaluation.terms import held_out_categories

        held = held_out_categories((c.code for c in code_set.codes()), hold_out, seed)
    return [
        Term(form.code, pieces(form), form.text, form.source is FormSource.TITLE, _weight(form))
        for form in code_set.forms()
        if form.source is FormSource.TITLE or form.code[:3] not in held
    ]


def _weight(form: SurfaceForm) -> float:
    """How often a form is drawn: tables that repeat one pattern for thousands of drugs teach little by the row."""
    if form.extension:
        return 0.05
    return {"drug": 0.03, "external": 0.1, "neoplasm": 0.3}.get(form.source, 1.0)


def coded_notes(split: Path) -> list[CodedNote]:
    """The clauses and codes of a CodiEsp split."""
    from app.evaluation.corpora import CodiEsp
    from model.training.mining import CodedNote

    notes = CodiEsp(split.parent).notes(split.name)
    return [CodedNote(clauses_of(coded.note), tuple(sorted(coded.gold))) for coded in notes]


def clauses_of(note: Note) -> tuple[str, ...]:
    """The clauses of one note, as serving encodes them."""
    from app.pipeline.segment import segment

    cut = segment(note)
    return tuple(cut.text_of(clause) for clause in cut.clauses)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
