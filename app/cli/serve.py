"""icd-cascade serve: the HTTP service, one process."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from app.cli.access_options import add_access_flags
from app.cli.backlog import add_backlog_flags
from app.cli.options import add_artifact_flags, settings_of
from app.errors import NotLoaded, UnsafeSetup

if TYPE_CHECKING:
    from app.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("serve", help="start the HTTP service")
    parser.add_argument("--host", help="address to bind (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to bind, 0 = any free one (default: 8080)")
    parser.add_argument("--build-missing", action="store_true", help="first build the index if none fits the model")
    parser.add_argument(
        "--also",
        action="append",
        metavar="CODE_SET[@EDITION]",
        help="serve this built code set, or another edition, beside --code-set; may be given several times",
    )
    add_access_flags(parser)
    add_backlog_flags(parser)
    add_artifact_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Build if asked to, then serve until a signal comes; 2 if the service would be open to strangers."""
    from app.access.door import check_setup

    settings = settings_of(args)
    try:
        check_setup(settings)
    except UnsafeSetup as error:
        print(f"icd-cascade: {error.detail}", file=sys.stderr)
        return 2
    if args.build_missing:
        build_missing(settings)
    return serve(settings)


def build_missing(settings: Settings) -> None:
    """Build the index of the default code set unless the current one was built by this model.

    Raises ArtifactError or ModelError; NotLoaded for a code set that needs its official files.
    """
    from app.cli.build import build_index
    from index_builder.codesets.sources import ICD10CM_NAME, NAMES, open_code_set
    from model.backends import open_encoder

    if settings.code_set not in NAMES:
        raise NotLoaded(f"There is no such code set. Known: {', '.join(NAMES)}.")
    if not is_built(settings):
        if settings.code_set != ICD10CM_NAME:
            raise NotLoaded(f"Build it first: icd-cascade build --code-set {settings.code_set} --source FILES.")
        encoder = open_encoder(settings.model, settings.backend)
        build_index(open_code_set(settings.code_set), encoder, settings.artifacts)


def is_built(settings: Settings) -> bool:
    """Whether the current index was built by the model that is to serve. Its files are verified when it is loaded."""
    from index_builder.errors import MissingFileError
    from index_builder.manifest import read_manifest
    from index_builder.publish import current
    from model.checkpoint import DEFAULT, Checkpoint

    wanted = Checkpoint.open(settings.model or DEFAULT).version
    try:
        return read_manifest(current(settings.artifacts / settings.code_set)).model.version == wanted
    except MissingFileError:
        return False


def serve(settings: Settings) -> int:
    """Serve until a signal comes; returns the exit status."""
    import asyncio

    from app.api.application import create_app
    from app.serving import server
    from app.serving.logs import configure_logging

    configure_logging()
    app = create_app(settings)
    status = asyncio.run(server.serve(app, settings.host, settings.port, _say_ready, settings.drain_seconds))
    if failure := app.state.service.lifecycle.failure:
        print(f"icd-cascade: {failure}", file=sys.stderr)
    return status


def _say_ready(url: str) -> None:
    print(f"icd-cascade is ready: {url}", flush=True)
