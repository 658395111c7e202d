"""What Prometheus reads. One registry per application, so that two in one process do not meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.serving.lifecycle_metrics import LifecycleMetrics
from app.serving.queue_metrics import QueueMetrics
from app.serving.shadow_metrics import ShadowMetrics
from app.version import VERSION

REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0)
STAGE_SECONDS: Final = tuple(round(50e-6 * 2**k, 8) for k in range(20))  # 50 us to 26 s: searches take under 1 ms
CHARACTERS: Final = tuple(250 * 2**k for k in range(11))  # 250 to 256,000
CODES: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200)
STAGES: Final = frozenset(
    {"segment", "queue", "encode", "search64", "rescore256", "rescore768", "attend", "assert", "decide"}
)


class Metrics:
    """The service's instruments. Labels hold route templates, statuses and versions: nothing that a client chose."""

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "icd_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("route", "status"),
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "icd_stage_duration_seconds",
            "Time that one note spends in a stage of the pipeline.",
            ("stage",),
            buckets=STAGE_SECONDS,
            registry=self.registry,
        )
        self._in_flight = Gauge("icd_requests_in_flight", "Requests being answered now.", registry=self.registry)
        self._characters = Histogram(
            "icd_note_characters", "Characters per coded note.", buckets=CHARACTERS, registry=self.registry
        )
        self._codes = Histogram(
            "icd_codes_returned", "Codes and candidates per answer.", buckets=CODES, registry=self.registry
        )
        self._stops = Counter(
            "icd_cascade_stops",
            "Notes by the last search stage that chose their codes; none without early exits.",
            ("stage",),
            registry=self.registry,
        )
        self._failures = Counter(
            "icd_coding_failures",
            "Notes that the pipeline failed on, by error type.",
            ("type",),
            registry=self.registry,
        )
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.lifecycle = LifecycleMetrics(self.registry)
        self.shadow = ShadowMetrics(self.registry)
        self.queue = QueueMetrics(self.registry)
        Info("icd_build", "The running service.", registry=self.registry).info({"version": VERSION})

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a request as being answered."""
        with self._in_flight.track_inprogress():
            yield

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """One answered request."""
        self._requests.labels(route, str(status)).observe(seconds)

    def observe_coding(
        self, timings_ms: Mapping[str, float], characters: int, codes: int, stopped_after: str | None = None
    ) -> None:
        """One coded note. Timings of stages that the design does not name are left out.

        stopped_after: the search stage where early exits let it stop, None where there are none
        """
        for stage in STAGES & timings_ms.keys():
            self._stages.labels(stage).observe(timings_ms[stage] / 1000)
        self._characters.observe(characters)
        self._codes.observe(codes)
        if stopped_after is not None:
            self._stops.labels(stopped_after).inc()

    def count_failure(self, error: BaseException) -> None:
        """One note that the pipeline failed on."""
        self._failures.labels(type(error).__name__).inc()

    def expose(self) -> bytes:
        """The Prometheus text of all instruments."""
        return generate_latest(self.registry)
