"""Makes the backlog that the settings describe."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Final

from app.backlog.backlog import Backlog, Parts
from app.backlog.batches import Batches
from app.backlog.coding import LineCoder, Translator
from app.backlog.folder import FolderStore
from app.backlog.keys import MasterKeys, write_new_key
from app.backlog.limits import BacklogLimits
from app.backlog.metrics import BacklogMetrics
from app.backlog.replicas import Replicas
from app.backlog.settings import BacklogSettings
from app.backlog.store import Store
from app.errors import BacklogKeyError, BacklogUnavailable
from app.serving.logs import SERVICE
from app.serving.service import Service

FOLDER: Final = Path("state") / "backlog"
_KEY_FILE: Final = "key"
_POLL_SECONDS: Final = 0.5


def assemble_backlog(settings: BacklogSettings, loopback: bool, service: Service, translator: Translator) -> Backlog:
    """A backlog that is opened on first use, or at start if there is a database or a folder from before.

    loopback: only this machine reaches the service, so that a key may be made for it
    """
    limits = BacklogLimits(
        open_batches=settings.backlog_open_batches,
        start_seconds=3600 * settings.backlog_start_hours,
        retention_seconds=86_400 * settings.backlog_retention_days,
    )
    return Backlog(
        lambda loop: open_parts(settings, limits, loopback, loop),
        LineCoder(service, translator),
        BacklogMetrics(service.metrics.registry),
        limits=limits,
        eager=settings.backlog_url is not None or folder_of(settings).exists(),
    )


def open_parts(
    settings: BacklogSettings, limits: BacklogLimits, loopback: bool, loop: asyncio.AbstractEventLoop
) -> Parts:
    """Open keys, store and queue. Blocking. Raises BacklogUnavailable or BacklogKeyError."""
    from app.backlog.dbos_queue import DbosQueue  # slow to import, and not needed until there is a batch

    keys = keys_of(settings, loopback)
    store = open_store(settings)
    if settings.backlog_url is not None:
        replicas = Replicas(store)
        replicas.beat()
        queue = DbosQueue(settings.backlog_url, loop, settings.backlog_shards, replicas, _POLL_SECONDS)
        return Parts(Batches(store, keys, limits), queue, replicas, store.close)
    folder = folder_of(settings)
    lock = lock_folder(folder)
    try:
        batches = Batches(store, keys, limits)
    except BaseException:
        os.close(lock)  # the next try must not find the folder taken by this one
        raise
    url = f"sqlite:///{folder.absolute() / 'queue.sqlite'}"
    queue = DbosQueue(url, loop, settings.backlog_shards, None, _POLL_SECONDS)
    return Parts(batches, queue, close=lambda: os.close(lock))


def open_store(settings: BacklogSettings) -> Store:
    """The database if there is one and no folder is named, a folder otherwise. Raises BacklogUnavailable."""
    if settings.backlog_url is None or settings.backlog_folder is not None:
        return FolderStore(folder_of(settings))
    from app.backlog.postgres import PostgresStore

    return PostgresStore(settings.backlog_url)


def keys_of(settings: BacklogSettings, loopback: bool) -> MasterKeys:
    """The master keys; on loopback a missing key file is made beside the shards. Raises BacklogKeyError."""
    if settings.backlog_key is not None and settings.backlog_key_file is not None:
        raise BacklogKeyError("Give at most one of backlog_key and backlog_key_file.")
    if settings.backlog_key is not None:
        return MasterKeys.parse(settings.backlog_key)
    if settings.backlog_key_file is not None:
        return MasterKeys.read(settings.backlog_key_file)
    path = folder_of(settings) / _KEY_FILE
    if not path.exists():
        if not loopback or settings.backlog_url is not None:
            raise BacklogKeyError(
                "Batches are kept encrypted, and no key is configured: set ICD_CASCADE_BACKLOG_KEY_FILE or "
                "ICD_CASCADE_BACKLOG_KEY; icd-cascade backlog new-key makes a key."
            )
        write_new_key(path)
        SERVICE.warning("key of the backlog made in its folder: keep a copy, without it stored batches are lost")
    return MasterKeys.read(path)


def folder_of(settings: BacklogSettings) -> Path:
    """The folder of the backlog."""
    return settings.backlog_folder or FOLDER


def lock_folder(folder: Path) -> int:
    """Hold the folder for this process: a queue in SQLite has one. Raises BacklogUnavailable."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BacklogUnavailable("The folder of batches cannot be written now.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BacklogUnavailable(
            "Another process has the folder of batches. Replicas need ICD_CASCADE_BACKLOG_URL of a PostgreSQL database."
        ) from None
    return descriptor
