"""What Prometheus reads of the backlog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from app.backlog.batch import Phase
from app.backlog.index import Entry

_RESULTS: Final = ("completed", "failed")


class BacklogMetrics:
    """Instruments of the backlog. Gauges are of the whole store, whichever replica shows them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._batches = Gauge("icd_backlog_batches", "Stored batches by phase.", ("phase",), registry=registry)
        self._tokens = Gauge(
            "icd_backlog_tokens", "Estimated tokens of batches that have not ended.", registry=registry
        )
        self._age = Gauge(
            "icd_backlog_oldest_shard_age_seconds",
            "Time since the oldest batch with unanswered shards was uploaded.",
            registry=registry,
        )
        self._shards = Counter("icd_backlog_shards", "Shards answered by this process.", registry=registry)
        self._notes = Counter("icd_backlog_notes", "Notes answered by this process.", ("result",), registry=registry)
        self._damaged = Counter(
            "icd_backlog_damaged_shards", "Shards that were not as they had been written.", registry=registry
        )
        self._faults = Counter(
            "icd_backlog_faults", "Times that store or queue could not be reached.", registry=registry
        )
        self._ended = Counter("icd_backlog_batches_ended", "Batches that ended here.", ("state",), registry=registry)
        for result in _RESULTS:
            self._notes.labels(result)
        for phase in Phase:
            self._batches.labels(phase)

    def observe(self, entries: Sequence[Entry], now: float) -> None:
        """What the sweep saw."""
        for phase in Phase:
            self._batches.labels(phase).set(sum(entry.phase is phase for entry in entries))
        open_ones = [entry for entry in entries if entry.phase is Phase.OPEN]
        self._tokens.set(sum(entry.tokens for entry in open_ones))
        self._age.set(max((now - entry.created for entry in open_ones), default=0))

    def count_shard(self, completed: int, failed: int) -> None:
        """One answered shard."""
        self._shards.inc()
        for result, number in zip(_RESULTS, (completed, failed), strict=True):
            self._notes.labels(result).inc(number)

    def count_damaged(self) -> None:
        """One shard that was changed, cut or lost in the store."""
        self._damaged.inc()

    def count_fault(self) -> None:
        """The store or the queue could not be reached."""
        self._faults.inc()

    def count_ended(self, state: str) -> None:
        """One batch that ended."""
        self._ended.labels(state).inc()
