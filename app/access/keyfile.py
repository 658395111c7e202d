"""The file of keys: JSON, written as a whole, readable by its owner only."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.access.keys import ApiKey
from app.access.limits import CallerLimits
from app.access.scopes import Scope
from app.errors import KeysFileError

_VERSION: Final = 1
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_ID: Final = re.compile(r"[0-9a-f]{12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LIMITS: Final = ("concurrency", "notes_per_minute", "tokens_per_minute")


def read_keys(path: Path) -> dict[str, ApiKey]:
    """The keys of a file, by id.

    Raises KeysFileError if it is missing, is not such a file, or can be written by others than its owner: whoever
    can write to it can give themselves a key.
    """
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS_WRITE:
                raise KeysFileError(f"{path}: others than its owner may write to it; chmod 600 it.")
            document = json.load(file)
    except FileNotFoundError:
        raise KeysFileError(f"{path}: missing; `icd-cascade keys create` makes it.") from None
    except OSError as error:
        raise KeysFileError(f"{path}: {error.strerror}.") from None
    except ValueError:
        raise KeysFileError(f"{path}: not JSON in UTF-8.") from None
    return _parse(document, path)


def write_keys(path: Path, keys: Sequence[ApiKey]) -> None:
    """Replace the file: a reader sees the old or the new one, whole."""
    document = {"version": _VERSION, "keys": [_entry(key) for key in keys]}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync(path.parent)


@contextmanager
def changing(path: Path) -> Iterator[dict[str, ApiKey]]:
    """The keys of a file, to be changed in place and written back; one process at a time. A missing file is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = read_keys(path) if path.exists() else {}
        yield keys
        write_keys(path, list(keys.values()))


def _entry(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "sha256": key.digest,
        "scopes": sorted(key.scopes),
        "created": key.created.isoformat(),
        "expires": key.expires and key.expires.isoformat(),
        "revoked": key.revoked and key.revoked.isoformat(),
        "limits": {name: value for name, value in asdict(key.limits).items() if value is not None},
    }


def _parse(document: Any, path: Path) -> dict[str, ApiKey]:
    try:
        if document["version"] != _VERSION:
            raise KeysFileError(f"{path}: version is not {_VERSION}.")
        entries = list(document["keys"])
    except (KeyError, TypeError):
        raise KeysFileError(f"{path}: version or keys is missing.") from None
    keys: dict[str, ApiKey] = {}
    for place, entry in enumerate(entries):
        try:
            key = _key(entry)
        except (KeyError, TypeError, ValueError) as error:
            # Never the value: it may be a digest, or a key that was pasted into the wrong place.
            field = error.args[0] if isinstance(error, KeyError) else "a field"
            raise KeysFileError(f"{path}: keys.{place}: {field} is missing or not what it should be.") from None
        if key.id in keys:
            raise KeysFileError(f"{path}: keys.{place}: another key has this id.")
        keys[key.id] = key
    return keys


def _key(entry: Mapping[str, Any]) -> ApiKey:
    if not (_ID.fullmatch(entry["id"]) and _DIGEST.fullmatch(entry["sha256"])):
        raise ValueError
    return ApiKey(
        id=entry["id"],
        name=str(entry["name"]),
        digest=entry["sha256"],
        scopes=frozenset(Scope(scope) for scope in entry["scopes"]),
        created=_time(entry["created"]),
        expires=entry.get("expires") and _time(entry["expires"]),
        revoked=entry.get("revoked") and _time(entry["revoked"]),
        limits=_limits(entry.get("limits", {})),
    )


def _limits(entry: Mapping[str, Any]) -> CallerLimits:
    if not set(entry) <= set(_LIMITS) or any(type(value) is not int or value < 1 for value in entry.values()):
        raise ValueError
    return CallerLimits(**entry)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
