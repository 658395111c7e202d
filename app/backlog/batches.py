"""Batches over store and keys: begin, find, show, cancel, delete. Blocking; thread-safe, on any number of replicas."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from app.backlog.archive import Archive, Mark, Shards, read_record, record_name
from app.backlog.batch import Batch, BatchKey, BatchState, Phase, Record, Wrapped, bound
from app.backlog.index import Entry, Index
from app.backlog.keys import MasterKeys
from app.backlog.limits import BacklogLimits
from app.backlog.lines import error_line
from app.backlog.sealing import new_data_key
from app.backlog.store import Store
from app.backlog.upload import Upload
from app.errors import DamagedShard, IdempotencyMismatch, Overloaded, UnknownBatch

DIGEST_KEY: Final = "keys/digest"
_DIGEST_BOUND: Final = b"icd-cascade digest key"
_DAMAGED: Final = "The stored shard of this line was damaged."


@dataclass(frozen=True, slots=True)
class Intake:
    """An upload that has begun."""

    key: BatchKey
    created: float
    data_key: bytes
    shards: Shards
    upload: Upload


class Batches:
    """clock: seconds since 1970, of this machine."""

    def __init__(
        self, store: Store, keys: MasterKeys, limits: BacklogLimits, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.index = Index(store)
        self.limits = limits
        self.clock = clock
        self._keys = keys
        self._digest_key = digest_key(store, keys)

    def begin(self, owner: str, idempotency_key: str | None) -> Intake:
        """Make room for an upload. Raises Overloaded if the owner has too many batches that have not ended."""
        open_ones = sum(entry.phase is Phase.OPEN for entry in self.index.entries(owner))
        if open_ones >= self.limits.open_batches:
            message = f"At most {self.limits.open_batches} batches of a caller may be open; wait for one to end."
            raise Overloaded(message, retry_after=60)
        key = BatchKey(owner, self._batch_id(owner, idempotency_key))
        created, data_key = self.clock(), new_data_key()
        self.index.write(Entry(key, Phase.UPLOADING, created, created))
        shards = Shards(self.store, key, data_key)
        return Intake(key, created, data_key, shards, Upload(shards, self.limits, self._digest_key))

    def commit(self, intake: Intake) -> tuple[Archive, bool]:
        """Make the upload a batch: the batch, and whether it is new.

        An Idempotency-Key is the batch's id, so that of several uploads under one key the first is kept. Raises
        IdempotencyMismatch if that one held something else.
        """
        digest = intake.upload.finish()
        shards, tokens = tuple(intake.upload.shards), tuple(intake.upload.tokens)
        wrapped = self._keys.wrap(intake.data_key, bound(intake.key, intake.created, shards, digest))
        record = Record(intake.key, intake.created, shards, tokens, digest, wrapped)
        name = record_name(record.key.owner, record.key.batch)
        if self.store.put_new(name, record.encode()):
            self.index.write(Entry(record.key, Phase.OPEN, record.created, record.created, sum(tokens)))
            return Archive(self.store, record, intake.data_key), True
        self.abort(intake)
        known = self.find(record.key.owner, record.key.batch)
        if not hmac.compare_digest(known.record.digest, digest):
            raise IdempotencyMismatch("This Idempotency-Key was used for a batch with another content.")
        return known, False

    def abort(self, intake: Intake) -> None:
        """Leave nothing of an upload that failed."""
        intake.shards.drop()
        self.index.remove(intake.key)

    def find(self, owner: str, batch: str) -> Archive:
        """A batch of this owner. Raises UnknownBatch; also for those of others: they lie elsewhere."""
        record = read_record(self.store, owner, batch)
        if record is None:
            raise UnknownBatch("There is no such batch.")
        return Archive(self.store, record, self._keys.unwrap(record.wrapped, record.bound))

    def lookup(self, key: BatchKey) -> Archive | None:
        """The batch of an upload; None if it was deleted or is another upload's."""
        record = read_record(self.store, key.owner, key.batch)
        if record is None or record.key != key:
            return None
        return Archive(self.store, record, self._keys.unwrap(record.wrapped, record.bound))

    def show(self, archive: Archive) -> Batch:
        """What a client sees of a batch now."""
        record = archive.record
        began, cancelled = archive.marked(Mark.BEGAN), archive.marked(Mark.CANCELLED)
        ending = archive.ending()
        shown = Batch(
            id=record.key.batch,
            state=BatchState.VALIDATING,
            created=record.created,
            total=record.lines,
            completed=0,
            failed=0,
            damaged=0,
            expires=record.created + self.limits.start_seconds,
            began=began,
            cancelled=cancelled,
        )
        if ending is not None:
            return replace(
                shown,
                state=ending.state,
                ended=ending.at,
                kept_until=ending.at + self.limits.retention_seconds,
                completed=ending.completed,
                failed=ending.failed,
                damaged=ending.damaged,
            )
        tallies = archive.tallies().values()
        return replace(
            shown,
            state=_state(archive, cancelled, answered=len(tallies) == len(record.shards)),
            completed=sum(tally.completed for tally in tallies),
            failed=sum(tally.failed for tally in tallies),
            damaged=sum(tally.damaged for tally in tallies),
        )

    def listing(self, owner: str, limit: int, after: str | None) -> tuple[list[Batch], bool]:
        """Batches of an owner, the newest first, and whether there are more. after: the last id of the page before."""
        entries = [e for e in reversed(self.index.entries(owner)) if e.phase in (Phase.OPEN, Phase.ENDED)]
        names = [entry.key.batch for entry in entries]
        start = names.index(after) + 1 if after in names else 0
        page = [archive for entry in entries[start : start + limit] if (archive := self.lookup(entry.key)) is not None]
        return [self.show(archive) for archive in page], len(entries) > start + limit

    def cancel(self, archive: Archive) -> None:
        """Answer no further lines; no effect on a batch that has ended."""
        if archive.ending() is None:
            archive.mark(Mark.CANCELLED, self.clock())

    def doom(self, key: BatchKey, created: float) -> None:
        """Remove an upload and its batch. What is interrupted here, the sweep ends."""
        self.index.write(Entry(key, Phase.DOOMED, created, self.clock()))
        self.remove(key)

    def remove(self, key: BatchKey) -> None:
        """Remove the files of an upload, and the record if it is this upload's."""
        record = read_record(self.store, key.owner, key.batch)
        if record is not None and record.key == key:
            self.store.delete(record_name(key.owner, key.batch))
        Shards(self.store, key, b"").drop()

    def results(self, archive: Archive) -> Iterator[list[bytes]]:
        """Answered lines in the order of the input, by shard; shards that are not answered yet are passed over."""
        answered = archive.answered()
        for shard, first in enumerate(archive.record.firsts):
            if shard not in answered:
                continue
            try:
                yield archive.read_result(shard)
            except DamagedShard:
                yield damaged_lines(first, archive.record.shards[shard])

    def _batch_id(self, owner: str, idempotency_key: str | None) -> str:
        if idempotency_key is None:
            return f"batch_{secrets.token_hex(16)}"
        message = f"{owner}\0{idempotency_key}".encode()
        return "batch_" + hmac.new(self._digest_key, message, hashlib.sha256).hexdigest()[:32]


def damaged_lines(first: int, lines: int) -> list[bytes]:
    """What stands for the lines of a damaged shard; their custom_id is lost with them."""
    return [error_line(first + place, None, "damaged", _DAMAGED) for place in range(lines)]


def digest_key(store: Store, keys: MasterKeys) -> bytes:
    """The key of all keyed hashes, made once per store and wrapped like a data key; it outlives master keys."""
    wrapped = keys.wrap(new_data_key(), _DIGEST_BOUND)
    store.put_new(DIGEST_KEY, _encode(wrapped))
    return keys.unwrap(_stored(store), _DIGEST_BOUND)


def rewrap(store: Store, keys: MasterKeys) -> int:
    """Wrap every data key with the current master key; returns how many had another one. Batches may run meanwhile."""
    digest = _stored(store)
    changed = int(digest.master != keys.current)
    if changed:
        store.put(DIGEST_KEY, _encode(keys.rewrap(digest, _DIGEST_BOUND)))
    for entry in Index(store).entries():
        record = read_record(store, entry.key.owner, entry.key.batch)
        if record is None or record.key != entry.key or record.wrapped.master == keys.current:
            continue
        rewrapped = replace(record, wrapped=keys.rewrap(record.wrapped, record.bound))
        store.put(record_name(record.key.owner, record.key.batch), rewrapped.encode())
        changed += 1
    return changed


def _encode(wrapped: Wrapped) -> bytes:
    return f"{wrapped.master} {wrapped.sealed.hex()}".encode()


def _stored(store: Store) -> Wrapped:
    content = store.get(DIGEST_KEY)
    try:
        master, sealed = (content or b"").decode().split(" ")
        return Wrapped(master, bytes.fromhex(sealed))
    except ValueError:
        raise DamagedShard("The key of the digests cannot be read.") from None


def _state(archive: Archive, cancelled: float | None, answered: bool) -> BatchState:
    if cancelled is not None:
        return BatchState.CANCELLING
    if answered or archive.marked(Mark.EXPIRED) is not None:
        return BatchState.FINALIZING
    return BatchState.VALIDATING if archive.marked(Mark.QUEUED) is None else BatchState.IN_PROGRESS
