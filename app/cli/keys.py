"""icd-cascade keys: create, list and revoke API keys. A running service follows the file within a second."""

from __future__ import annotations

import argparse
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.errors import FieldError, InvalidField, KeysFileError

if TYPE_CHECKING:
    from app.access.keys import ApiKey

_FILE: Final = "keys.json"
_VARIABLE: Final = "ICD_CASCADE_KEYS"
_LIFE: Final = re.compile(r"([1-9][0-9]{0,4})([hd])")
_LIMITS: Final = ("concurrency", "notes_per_minute", "tokens_per_minute")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command and its three verbs."""
    parser = subparsers.add_parser("keys", help="create, list and revoke API keys")
    parser.add_argument("--file", type=Path, help=f"file of keys (default: {_VARIABLE}, then {_FILE})")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    create = verbs.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", help="who or what will use it; no patient's name")
    create.add_argument("--scopes", required=True, metavar="LIST", help="of code, batch, admin and metrics")
    create.add_argument("--expires", metavar="LIFE", help="after so many hours or days, e.g. 12h or 90d")
    create.add_argument("--concurrency", type=int, metavar="N", help="requests that may wait or run")
    create.add_argument("--notes-per-minute", type=int, metavar="N", help="notes that are admitted")
    create.add_argument("--tokens-per-minute", type=int, metavar="N", help="tokens, about a quarter of the characters")
    verbs.add_parser("list", help="show all keys but the secrets, which are not kept")
    revoke = verbs.add_parser("revoke", help="end a key; it stays in the file, so that the audit log can be read")
    revoke.add_argument("id", help="id of the key: the 12 digits after icdc_")


def run(args: argparse.Namespace) -> int:
    """Do what the verb says."""
    path = args.file or Path(os.environ.get(_VARIABLE) or _FILE)
    verbs = {"create": create, "list": show, "revoke": revoke}
    return verbs[args.verb](path, args)


def create(path: Path, args: argparse.Namespace) -> int:
    """Print the key on standard output and everything else on standard error, so that it can be piped away."""
    from app.access.keyfile import changing
    from app.access.keys import mint
    from app.access.limits import CallerLimits
    from app.access.scopes import Scope

    words = [word.strip() for word in args.scopes.split(",") if word.strip()]
    if not words or not set(words) <= set(Scope):
        raise _invalid("scopes", f"Must be of {', '.join(Scope)}.")
    limits = {name: getattr(args, name) for name in _LIMITS}
    for name, value in limits.items():
        if value is not None and value < 1:
            raise _invalid(name, "Must be at least 1.")
    now = datetime.now(UTC).replace(microsecond=0)
    expires = None if args.expires is None else now + _life(args.expires)
    key, text = mint(args.name, map(Scope, words), now, expires, CallerLimits(**limits))
    with changing(path) as keys:
        keys[key.id] = key
    print(text)
    print(f"Key {key.id} ({key.name}) is in {path}. It is shown this once: only its digest is kept.", file=sys.stderr)
    return 0


def show(path: Path, args: argparse.Namespace) -> int:
    """One line per key, the oldest first."""
    from app.access.keyfile import read_keys

    now = datetime.now(UTC)
    for key in sorted(read_keys(path).values(), key=lambda key: key.created):
        print(f"{key.id}  {_state(key, now):<28}  {','.join(sorted(key.scopes)):<24}  {key.name}")
    return 0


def revoke(path: Path, args: argparse.Namespace) -> int:
    """Mark a key as revoked."""
    from dataclasses import replace

    from app.access.keyfile import changing, read_keys

    if args.id not in read_keys(path):
        raise KeysFileError(f"{path}: no key has this id.")
    with changing(path) as keys:
        key = keys[args.id]
        keys[args.id] = key if key.revoked else replace(key, revoked=datetime.now(UTC).replace(microsecond=0))
    print(f"Key {args.id} ({keys[args.id].name}) is revoked.")
    return 0


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked is not None:
        return f"revoked {key.revoked:%Y-%m-%d %H:%M}"
    if key.expires is None:
        return "valid"
    return f"{'valid until' if now < key.expires else 'expired'} {key.expires:%Y-%m-%d %H:%M}"


def _life(text: str) -> timedelta:
    match = _LIFE.fullmatch(text)
    if match is None:
        raise _invalid("expires", "Must be hours or days, e.g. 12h or 90d.")
    number = int(match[1])
    return timedelta(hours=number) if match[2] == "h" else timedelta(days=number)


def _invalid(field: str, message: str) -> InvalidField:
    return InvalidField("The key was not made.", FieldError(field, message))
