"""icd-cascade backlog: keys of the durable batches and what is stored; with --engine, a backlog in files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.backlog_files import add_files_flags, run_files
from app.cli.options import settings_of

if TYPE_CHECKING:
    from app.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("backlog", help="durable batches: keys and state; or code files, with --engine")
    add_files_flags(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("new-key", help="print a new master key")
    rotate = actions.add_parser("rotate-key", help="wrap every stored data key with the first of the master keys")
    status = actions.add_parser("status", help="count the stored batches")
    for action in (rotate, status):
        add_backlog_flags(action)


def add_backlog_flags(parser: argparse.ArgumentParser) -> None:
    """Where durable batches are kept. A key itself is read from the environment only."""
    parser.add_argument("--backlog-folder", type=Path, help="folder of durable batches (default: state/backlog)")
    parser.add_argument("--backlog-url", help="postgresql:// URL, for several replicas (default: SQLite in the folder)")
    parser.add_argument("--backlog-key-file", type=Path, help="file with the master keys of the batches")


def run(args: argparse.Namespace) -> int:
    """Do one action, or code files."""
    if (args.engine is None) == (args.action is None):
        print("icd-cascade: backlog needs --engine, or one of new-key, rotate-key, status", file=sys.stderr)
        return 2
    if args.engine is not None:
        return run_files(args)
    from app.backlog.keys import new_key

    if args.action == "new-key":
        print(new_key())
        return 0
    settings = settings_of(args)
    return rotate_key(settings) if args.action == "rotate-key" else show_status(settings)


def rotate_key(settings: Settings) -> int:
    """Re-wrap; the service may run meanwhile with the same keys. Notes and results are not written anew."""
    from app.backlog.assemble import keys_of, open_store
    from app.backlog.batches import rewrap

    keys, store = keys_of(settings, loopback=False), open_store(settings)
    print(f"{rewrap(store, keys)} keys wrapped with master key {keys.current}; the others are no longer needed here")
    store.close()
    return 0


def show_status(settings: Settings) -> int:
    """One line per phase."""
    from app.backlog.assemble import open_store
    from app.backlog.batch import Phase
    from app.backlog.index import Index

    store = open_store(settings)
    entries = Index(store).entries()
    for phase in Phase:
        print(f"{phase:10} {sum(entry.phase is phase for entry in entries)}")
    store.close()
    return 0
