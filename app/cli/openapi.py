"""icd-cascade openapi: the contract as the code has it. `make openapi` writes it to openapi.json."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    subparsers.add_parser("openapi", help="print openapi.json")


def run(args: argparse.Namespace) -> int:
    """Print the document; nothing is loaded for it."""
    print(document(), end="")
    return 0


def document() -> str:
    """openapi.json as it is committed."""
    import json

    from app.api.application import create_app
    from app.settings import Settings

    return json.dumps(create_app(Settings()).openapi(), indent=2, ensure_ascii=False) + "\n"
