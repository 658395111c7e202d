"""What Prometheus reads of the loaded pipeline and of those that took its place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.pipeline.coder import Versions

RELOAD_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class ReloadResult(StrEnum):
    """How a reload ended: another pipeline serves, the new one was refused, or one was being opened already."""

    SWAPPED = "swapped"
    REFUSED = "refused"
    BUSY = "busy"


class LifecycleMetrics:
    """Instruments of the lifecycle."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._index = Gauge(
            "icd_index_info",
            "1 for each loaded model, index and code set.",
            ("model", "index", "code_set", "calibration"),
            registry=registry,
        )
        self._loaded = Gauge(
            "icd_index_loaded_timestamp_seconds", "When the serving pipeline took over.", registry=registry
        )
        self._reloads = Counter("icd_reloads", "Reloads asked for, by result.", ("result",), registry=registry)
        self._seconds = Histogram(
            "icd_reload_duration_seconds",
            "Time to open and verify another pipeline, whether it was refused or not.",
            buckets=RELOAD_SECONDS,
            registry=registry,
        )
        self._open = Gauge(
            "icd_pipelines_open", "Pipelines in memory: the serving one, and old ones in use.", registry=registry
        )
        for result in ReloadResult:
            self._reloads.labels(result)

    def watch(self, pipelines: Callable[[], float]) -> None:
        """Read the number of open pipelines from this whenever the metrics are read."""
        self._open.set_function(pipelines)

    def announce(self, served: Iterable[Versions]) -> None:
        """Name what answers are made with from now on, code set by code set."""
        self._index.clear()
        for one in served:
            self._index.labels(one.model, one.index, one.code_set, one.calibration or "none").set(1)
        self._loaded.set(time.time())

    def count_reload(self, result: ReloadResult, seconds: float | None = None) -> None:
        """One reload; seconds unless nothing was opened."""
        self._reloads.labels(result).inc()
        if seconds is not None:
            self._seconds.observe(seconds)
