"""icd-cascade verify: check every byte of the current index, and that it still answers as when it was built."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from app.cli.build import code_set_name
from index_builder.codesets.sources import NAMES
from index_builder.errors import ArtifactError
from model.errors import ModelError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("verify", help="check the current index of a code set")
    parser.add_argument("--artifacts", type=Path, required=True, help="folder of the artifacts")
    parser.add_argument("--code-set", type=code_set_name, default=NAMES[0])
    parser.add_argument("--edition", help="of several that are built; default: the one built last")
    parser.add_argument("--model", type=Path, help="checkpoint folder; the shipped default where not given")
    parser.add_argument("--backend", choices=("onnx", "torch"), default="onnx")


def run(args: argparse.Namespace) -> int:
    """Print what was checked. Exit code 0, or 1 with the file and what is wrong with it."""
    from index_builder.loader import load
    from model.backends import open_encoder

    started = time.monotonic()
    try:
        encoder = open_encoder(args.model, args.backend)
        index = load(args.artifacts, args.code_set, encoder, edition=args.edition, report=_checked)
    except (ArtifactError, ModelError) as error:
        print(f"refused: {error}", file=sys.stderr, flush=True)
        return 1
    index.close()
    print(f"verified in {time.monotonic() - started:.1f} s")
    return 0


def _checked(what: str) -> None:
    print(f"ok  {what}", flush=True)
