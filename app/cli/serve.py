"""icd-cascade serve: the HTTP service, one process."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from app.cli.access_options import add_access_flags
from app.cli.backlog import add_backlog_flags
from app.cli.options import add_artifact_flags, settings_of
from app.errors import NotLoaded, UnsafeSetup

if TYPE_CHECKING:
    from app.settings import Settings
    from index_builder.checking import EarlyChecks
    from index_builder.manifest import Manifest


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("serve", help="start the HTTP service")
    parser.add_argument("--host", help="address to bind (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to bind, 0 = any free one (default: 8080)")
    parser.add_argument(
        "--build-missing", action="store_true", help="first build the index if none fits model and tables"
    )
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
    if args.build_missing and build_missing(settings):
        begin_anew()
    return serve(settings)


def build_missing(settings: Settings) -> bool:
    """Build the index of the default code set unless the current one fits; returns whether it built one.

    Raises ArtifactError or ModelError; NotLoaded for a code set that needs its official files.
    """
    from index_builder.codesets.sources import ICD10CM_NAME, NAMES

    if settings.code_set not in NAMES:
        raise NotLoaded(f"There is no such code set. Known: {', '.join(NAMES)}.")
    reason = misfit(settings)
    if reason is None:
        return False
    if settings.code_set != ICD10CM_NAME:
        raise NotLoaded(f"Build it first: icd-cascade build --code-set {settings.code_set} --source FILES.")
    print(f"icd-cascade: {reason} Building it.", file=sys.stderr, flush=True)
    _build(settings)
    if reason := misfit(settings):
        raise NotLoaded(f"{reason} Building did not mend it.")
    return True


def _build(settings: Settings) -> None:
    """With the widths of the index that it takes the place of."""
    from app.cli.build import build_index, default_processes
    from index_builder.codesets.sources import open_code_set
    from index_builder.processes import EncoderSource
    from model.backends import INT8, open_encoder
    from model.nested import WIDTH

    stands = _manifest(settings)
    prefixes, keep = ((64,), WIDTH) if stands is None else (stands.prefixes, stands.dimensions)
    backend = "onnx" if settings.backend in INT8 else settings.backend  # an index is float32, whatever reads notes
    encoder = open_encoder(settings.model, backend)
    source, processes = EncoderSource(settings.model, backend), default_processes()
    code_set = open_code_set(settings.code_set)
    build_index(code_set, encoder, settings.artifacts, prefixes, keep, reuse=True, source=source, processes=processes)


def misfit(settings: Settings) -> str | None:
    """Why the current index cannot serve as it is, in a sentence; None where it can.

    It was built by the model that is to serve, from the tables as they are now. An index from official files, or from
    before inputs were written down, says nothing of them and is taken as it is. Its files are verified when it is
    loaded, not here.
    """
    from index_builder.codesets.inputs import packaged_inputs
    from model.checkpoint import DEFAULT, Checkpoint

    stands = _manifest(settings)
    if stands is None:
        return "There is no index yet."
    if stands.model.version != Checkpoint.open(settings.model or DEFAULT).version:
        return "The index was built by another model."
    if stands.inputs is not None and stands.inputs != packaged_inputs():
        return "Term tables, wordings or their readers have changed since the index was built."
    return None


def _manifest(settings: Settings) -> Manifest | None:
    from index_builder.errors import MissingFileError
    from index_builder.manifest import read_manifest
    from index_builder.publish import current

    try:
        return read_manifest(current(settings.artifacts / settings.code_set))
    except MissingFileError:
        return None


def begin_anew() -> None:
    """Become the command that was called, once more: memory that a build has taken is not given back otherwise.

    The process keeps its number, so that a supervisor sees one start. Called from a program of another kind: nothing.
    """
    if sys.argv[1:2] == ["serve"]:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def serve(settings: Settings) -> int:
    """Serve until a signal comes; returns the exit status."""
    import asyncio

    from app.serving import heap

    heap.loading()

    checks = _begin_checks(settings)  # importing the rest leaves a core idle for half a second
    from app.api.application import create_app
    from app.serving import server
    from app.serving.logs import configure_logging

    configure_logging()
    app = create_app(settings, checks=checks)
    status = asyncio.run(server.serve(app, settings.host, settings.port, _say_ready, settings.drain_seconds))
    if failure := app.state.service.lifecycle.failure:
        print(f"icd-cascade: {failure}", file=sys.stderr)
    return status


def _begin_checks(settings: Settings) -> EarlyChecks:
    from concurrent.futures import ThreadPoolExecutor

    from index_builder.checking import EarlyChecks

    checks = EarlyChecks(ThreadPoolExecutor(1, thread_name_prefix="check"))
    for one in settings.holdings:
        checks.begin(settings.artifacts, one.code_set, edition=one.edition, index=one.index)
    return checks


def _say_ready(url: str) -> None:
    from app.serving import heap

    heap.loaded()
    print(f"icd-cascade is ready: {url}", flush=True)
