"""The sweep: whatever a crash, a lost queue or the clock left to be done is found in the index and done."""

from __future__ import annotations

from typing import Final

from app.backlog.archive import Archive, Mark, read_record
from app.backlog.batch import BatchKey, Job, Phase
from app.backlog.batches import Batches
from app.backlog.index import Entry
from app.backlog.limits import ABANDONED_SECONDS, GRAVE_SECONDS
from app.backlog.metrics import BacklogMetrics
from app.backlog.queue import JobQueue
from app.backlog.settling import Settlement
from app.errors import BacklogKeyError, DamagedShard
from app.serving.logs import log_failure

QUEUEING_SECONDS: Final = 60.0


class Sweep:
    """Blocking. Any replica may sweep at any time; nothing is lost by two that do."""

    def __init__(self, batches: Batches, queue: JobQueue, settlement: Settlement, metrics: BacklogMetrics) -> None:
        self._batches = batches
        self._queue = queue
        self._settlement = settlement
        self._metrics = metrics

    def run(self, patience: float = QUEUEING_SECONDS) -> None:
        """Look at every upload once. patience: seconds in which the replica that took an upload is left to queue it."""
        self._queue.sweep()
        entries = self._batches.index.entries()
        for entry in entries:
            try:
                self._tend(entry, patience)
            except (DamagedShard, BacklogKeyError) as error:
                log_failure("batch cannot be opened", error)
        self._metrics.observe(entries, self._batches.clock())

    def _tend(self, entry: Entry, patience: float) -> None:
        if entry.phase is Phase.UPLOADING:
            self._tend_upload(entry)
        elif entry.phase is Phase.OPEN:
            self._tend_open(entry, patience)
        elif entry.phase is Phase.ENDED:
            if self._age(entry) > self._batches.limits.retention_seconds or not self._is_recorded(entry.key):
                self._batches.doom(entry.key, entry.created)
        else:
            self._bury(entry)

    def _tend_upload(self, entry: Entry) -> None:
        if self._is_recorded(entry.key):  # the process died between the record and the index
            record = read_record(self._batches.store, entry.key.owner, entry.key.batch)
            tokens = 0 if record is None else sum(record.tokens)
            self._batches.index.write(Entry(entry.key, Phase.OPEN, entry.created, entry.created, tokens))
        elif self._age(entry) > ABANDONED_SECONDS:
            self._batches.doom(entry.key, entry.created)

    def _tend_open(self, entry: Entry, patience: float) -> None:
        archive = self._batches.lookup(entry.key)
        if archive is None:
            self._batches.doom(entry.key, entry.created)
            return
        if archive.marked(Mark.BEGAN) is None and self._age(entry) > self._batches.limits.start_seconds:
            archive.mark(Mark.EXPIRED, self._batches.clock())
        self._settlement.settle(archive)
        if archive.ending() is None and (archive.marked(Mark.QUEUED) or self._age(entry) > patience):
            self._requeue(archive)

    def _requeue(self, archive: Archive) -> None:
        """Queue the shards that nobody has: the queue lost them, or they ended without answers."""
        key = archive.record.key
        waiting = self._queue.waiting(key)  # first: what is answered between the two looks is in either
        lost = set(range(len(archive.record.shards))) - waiting - archive.answered()
        if lost:
            self._queue.resubmit(Job(key, shard) for shard in sorted(lost))
        archive.mark(Mark.QUEUED, self._batches.clock())

    def _bury(self, entry: Entry) -> None:
        self._batches.remove(entry.key)
        self._queue.forget(entry.key)
        if self._age(entry) > GRAVE_SECONDS:
            self._batches.index.remove(entry.key)

    def _is_recorded(self, key: BatchKey) -> bool:
        record = read_record(self._batches.store, key.owner, key.batch)
        return record is not None and record.key == key

    def _age(self, entry: Entry) -> float:
        """Seconds in this phase; negative after the clock was set back, and then nothing is due."""
        return self._batches.clock() - entry.since
