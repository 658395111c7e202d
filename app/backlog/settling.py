"""The end of a batch: what is still unanswered gets its reason, results are verified, notes are removed."""

from __future__ import annotations

from typing import Final

from app.backlog.archive import Archive, Mark, Tally
from app.backlog.batch import BatchState, Ending, Phase
from app.backlog.batches import Batches, damaged_lines
from app.backlog.index import Entry
from app.backlog.lines import error_line, read_line
from app.backlog.metrics import BacklogMetrics
from app.backlog.queue import JobQueue
from app.errors import DamagedShard

_REASONS: Final = {
    BatchState.CANCELLED: ("batch_cancelled", "The batch was cancelled before this line was answered."),
    BatchState.EXPIRED: ("batch_expired", "The batch expired before this line was answered."),
}


class Settlement:
    """Blocking; any number of replicas may settle one batch at once: every step is written once."""

    def __init__(self, batches: Batches, queue: JobQueue, metrics: BacklogMetrics) -> None:
        self._batches = batches
        self._queue = queue
        self._metrics = metrics

    def settle(self, archive: Archive) -> None:
        """End the batch if nothing of it is to be waited for; otherwise do nothing."""
        if archive.ending() is None:
            missing = set(range(len(archive.record.shards))) - archive.answered()
            stopped = _stopped(archive)
            if missing and stopped is None:
                return
            for shard in sorted(missing):
                archive.write_result(
                    shard, self._unanswered(archive, shard, *_REASONS[stopped or BatchState.CANCELLED])
                )
            ending = self._ending(archive, stopped)
            if archive.end(ending):  # of several that settle at once one has ended it
                self._metrics.count_ended(ending.state)
        self._close(archive)

    def _unanswered(self, archive: Archive, shard: int, code: str, message: str) -> list[bytes]:
        first = archive.record.firsts[shard]
        try:
            lines = archive.read_input(shard)
        except DamagedShard:
            return damaged_lines(first, archive.record.shards[shard])
        return [error_line(first + place, read_line(raw).custom_id, code, message) for place, raw in enumerate(lines)]

    def _ending(self, archive: Archive, stopped: BatchState | None) -> Ending:
        """Read every result once more: what a client would get."""
        unreadable = sum(not self._verify(archive, shard) for shard in range(len(archive.record.shards)))
        tallies = archive.tallies().values()
        completed = sum(tally.completed for tally in tallies)
        damaged = unreadable + sum(tally.damaged for tally in tallies)
        state = stopped or (BatchState.FAILED if damaged else BatchState.COMPLETED)
        return Ending(state, self._batches.clock(), completed, archive.record.lines - completed, damaged)

    def _verify(self, archive: Archive, shard: int) -> bool:
        try:
            archive.restore_tally(shard)
        except DamagedShard:
            self._metrics.count_damaged()
            archive.write_tally(shard, Tally(0, archive.record.shards[shard]))
            return False
        return True

    def _close(self, archive: Archive) -> None:
        ending, key = archive.ending(), archive.record.key
        if ending is None:
            return
        archive.drop_input()
        self._queue.forget(key)
        if self._batches.lookup(key) is not None:  # deleted meanwhile: the sweep must not see it come back
            self._batches.index.write(Entry(key, Phase.ENDED, archive.record.created, ending.at))


def _stopped(archive: Archive) -> BatchState | None:
    if archive.marked(Mark.CANCELLED) is not None:
        return BatchState.CANCELLED
    return BatchState.EXPIRED if archive.marked(Mark.EXPIRED) is not None else None
