"""The options of icd-cascade train, by what they decide."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Options of what is trained and how it will be served."""
    group = parser.add_argument_group("the model")
    group.add_argument("--encoding-unit", choices=("clause", "window"), default="clause", help="what serving encodes")
    group.add_argument("--window", type=int, help="most tokens encoded in one go (256; unit window: the context)")
    group.add_argument("--layers", help="hidden states that the projection reads (a 768-wide encoder: -1)")
    group.add_argument(
        "--projection", choices=("axes", "identity"), help="how it starts (identity where the last state is 768 wide)"
    )


def add_step_options(parser: argparse.ArgumentParser) -> None:
    """Options of the steps."""
    group = parser.add_argument_group("the steps")
    group.add_argument("--steps", type=int, default=1400)
    group.add_argument("--batch", type=int, default=128, help="pairs per step, over all processes together")
    group.add_argument("--chunk", type=int, default=0, help="texts per forward pass, gradients stay exact; 0 = all")
    group.add_argument("--precision", choices=("fp32", "bf16"), help="bf16 on a GPU, else fp32; the loss is fp32")
    attentions = ("eager", "sdpa", "flash_attention_2")
    group.add_argument("--attention", choices=attentions, help="flash_attention_2 (package flash-attn): no padding")
    group.add_argument("--max-tokens", type=int, help="tokens read of a training text (64; unit window: 256)")
    group.add_argument("--learning-rate", type=float, default=6e-5)
    group.add_argument("--temperature", type=float, default=0.05)
    weightings = ("equal", "fixed", "uncertainty", "focal", "sequential")  # model/training/weighting.py, without torch
    group.add_argument("--weighting", choices=weightings, default="equal", help="of the prefixes' losses")
    group.add_argument("--prefix-weights", type=_numbers, help="of --weighting fixed, for 64,128,256,768 dimensions")
    group.add_argument("--probe-every", type=int, default=0, help="steps between measurements on held-out terms")
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--threads", type=int, default=0, help="0 = all cores")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Options of what it is trained on."""
    group = parser.add_argument_group("the data")
    group.add_argument("--hold-out", type=float, default=0.0, help="share of 3-character categories without terms")
    group.add_argument(
        "--excludes1", action=argparse.BooleanOptionalAction, default=True, help="codes that exclude each other meet"
    )
    group.add_argument("--bare-share", type=float, default=0.0, help="share of wordings that stand in no template")
    group.add_argument("--title-share", type=float, default=0.5, help="share of targets that are their code's title")
    group.add_argument(
        "--near-share", type=float, default=0.0, help="share of a group that are parents, children and siblings"
    )
    group.add_argument(
        "--mistakes-at",
        default="",
        help="steps at which the codes that wordings are taken for wrongly are mined",
    )
    group.add_argument("--mistake-share", type=float, default=0.5, help="share of a group that are such codes")
    group.add_argument("--names", type=Path, help="MedQuAD file: names and definitions of diseases, without codes")
    group.add_argument("--codiesp", type=Path, help="CodiEsp folder: clauses of its training notes are mined")
    group.add_argument("--practice", type=Path, help="folder of practice notes, e.g. app/evaluation/practice_notes")
    group.add_argument(
        "--lines", action="store_true", help="the marked lines that ship: as clinicians write (--artifacts)"
    )
    group.add_argument("--clause-share", type=float, default=0.2, help="share of pairs from coded notes")
    group.add_argument("--artifacts", type=Path, help="an index of the start model: finds its mistakes on marked words")
    group.add_argument("--notes", type=Path, help="CSV of notes without codes, for self-training")
    group.add_argument("--notes-limit", type=int, default=400, help="how many of them are read")
    group.add_argument(
        "--mine-at", help="steps at which the model so far mines (500,900; with --artifacts never but at the start)"
    )
    group.add_argument("--mine-floor", type=float, default=0.45, help="least cosine of a mined clause")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("expected numbers with commas between them") from None
