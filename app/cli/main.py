"""The command line: `icd-cascade COMMAND`. Only the module of the command that is called is imported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from app.errors import ServiceError
from app.version import VERSION
from index_builder.errors import ArtifactError
from model.errors import ModelError

COMMANDS: Final = {
    "serve": "start the HTTP service",
    "keys": "create, list and revoke API keys",
    "feedback": "what reviewers decided: summary and training pairs",
    "backlog": "durable batches: keys and state; or code files, with --engine",
    "code": "code one note and show the evidence",
    "build": "build the index of a code set",
    "verify": "check an index file by file",
    "evaluate": "measure the pipeline on a coded corpus",
    "calibrate": "learn probabilities and thresholds from coded notes",
    "bench": "time the stages, and the cascade against exact search",
    "train": "train the encoder",
    "mrl": "measure nested prefixes and operating points",
    "plant": "train the label attention, or measure what planting is worth",
    "exits": "learn where the search stages may stop early",
    "soak": "load a running service and see whether it holds",
    "openapi": "print openapi.json",
}
_FAILED: Final = 1
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = words[0] if words and words[0] in COMMANDS else None
    args = _parser(chosen).parse_args(words)
    try:
        return int(import_module(f"app.cli.{args.command}").run(args))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (ServiceError, ArtifactError, ModelError, OSError) as error:
        print(f"icd-cascade: {_explain(error)}", file=sys.stderr)
        return _FAILED


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="icd-cascade",
        description="A clinical note goes in; ranked ICD codes with the words that justify them come out.",
    )
    parser.add_argument("--version", action="version", version=f"icd-cascade {VERSION}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        if name == chosen:
            import_module(f"app.cli.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=purpose)
    return parser


def _explain(error: Exception) -> str:
    if not isinstance(error, ServiceError):
        return str(error)
    return "\n  ".join([error.detail, *(f"{field.field}: {field.message}" for field in error.fields)])


if __name__ == "__main__":  # torchrun -m app.cli.main train ...
    sys.exit(main())
