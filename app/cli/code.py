"""icd-cascade code NOTE: rank the codes of one note and show the words that justify them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.options import add_artifact_flags, settings_of
from app.errors import MalformedBody

if TYPE_CHECKING:
    from app.api.schemas.request import CodeRequest
    from app.pipeline.coder import Coder


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("code", help="code one note and show the evidence")
    parser.add_argument("note", help="text file in UTF-8; - reads standard input")
    parser.add_argument("--top-k", type=int, default=20, help="codes and candidates together, 1 to 200")
    parser.add_argument("--all-codes", action="store_true", help="suggest headers, too, not only billable codes")
    parser.add_argument("--calibration", default="general", help="how scores become probabilities")
    parser.add_argument("--json", action="store_true", help="print the answer as the service gives it")
    add_artifact_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Check the note as the service would, code it in this process, print."""
    request = read_request(args)
    from app.pipeline.assemble import open_coder

    settings = settings_of(args)
    coder = open_coder(
        settings.artifacts,
        settings.code_set,
        settings.model,
        settings.backend,
        calibrations=settings.calibration_folders,
        search=settings.search,
        early_exit=settings.early_exit,
    )
    try:
        show(request, coder, as_json=args.json)
    finally:
        coder.catalog.close()
    return 0


def read_request(args: argparse.Namespace) -> CodeRequest:
    """The note and its options; raises a RequestError for a note that the service would refuse."""
    from pydantic import ValidationError

    from app.api.schemas.request import CodeRequest
    from app.api.violations import describe

    given = {"text": _read(args.note), "top_k": args.top_k, "calibration": args.calibration}
    given["billable_only"] = not args.all_codes
    if args.code_set:
        given["code_sets"] = [args.code_set]
    try:
        return CodeRequest.model_validate(given)
    except ValidationError as error:
        raise describe(error.errors()) from None


def show(request: CodeRequest, coder: Coder, *, as_json: bool) -> None:
    """Code the note and print the answer: JSON, or tables and the highlighted note."""
    import uuid

    from app.api.translation import to_response, to_work
    from app.cli.rendering import render

    work = to_work(request, coder)
    [coding] = coder.code([work.note], [work.options])
    if as_json:
        print(to_response(request, coding, coder, str(uuid.uuid4())).model_dump_json(indent=2))
    else:
        render(coding, request.texts()[0], coder.versions)


def _read(name: str) -> str:
    raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedBody("The note is not valid UTF-8.") from None
