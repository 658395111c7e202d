"""What Prometheus reads of the queue, the batches and the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.serving.work import Lane

NOTES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TOKENS: Final = tuple(64 * 2**k for k in range(11))  # 64 to 65,536
ShedReason = Literal["queue", "wait", "concurrency", "rate"]
SHED_REASONS: Final[tuple[ShedReason, ...]] = ("queue", "wait", "concurrency", "rate")


class QueueMetrics:
    """Instruments of admission and batcher."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tokens = Gauge("icd_queue_tokens", "Estimated tokens that wait to be coded.", registry=registry)
        self._age = Gauge("icd_queue_age_seconds", "Time that the oldest queued note has waited.", registry=registry)
        self._heartbeat = Gauge(
            "icd_worker_heartbeat_seconds",
            "Time since the worker last turned its loop or called the coder.",
            registry=registry,
        )
        self._batch_notes = Histogram("icd_batch_notes", "Notes per batch.", buckets=NOTES, registry=registry)
        self._batch_tokens = Histogram(
            "icd_batch_tokens", "Estimated tokens per batch, without padding.", buckets=TOKENS, registry=registry
        )
        self._shed = Counter(
            "icd_shed",
            "Requests refused: a lane is full, the wait would pass the deadline, or too much of one key.",
            ("reason",),
            registry=registry,
        )
        self._entries = Counter("icd_lane_entries", "Notes admitted, by lane.", ("lane",), registry=registry)
        self._expired = Counter(
            "icd_deadline_exceeded", "Notes that were not answered before their deadline.", registry=registry
        )
        for reason in SHED_REASONS:
            self._shed.labels(reason)
        for lane in Lane:
            self._entries.labels(lane)

    def watch(self, tokens: Callable[[], float], age: Callable[[], float], heartbeat: Callable[[], float]) -> None:
        """Read the gauges from these whenever the metrics are read."""
        self._tokens.set_function(tokens)
        self._age.set_function(age)
        self._heartbeat.set_function(heartbeat)

    def observe_batch(self, notes: int, tokens: int) -> None:
        """One batch that the coder is done with."""
        self._batch_notes.observe(notes)
        self._batch_tokens.observe(tokens)

    def count_admitted(self, lane: Lane, notes: int) -> None:
        """Notes of one admitted request."""
        self._entries.labels(lane).inc(notes)

    def count_shed(self, reason: ShedReason) -> None:
        """One refused request."""
        self._shed.labels(reason).inc()

    def count_expired(self, notes: int) -> None:
        """Notes of one request that passed their deadline."""
        self._expired.inc(notes)
