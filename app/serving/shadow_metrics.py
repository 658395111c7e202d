"""What Prometheus reads of the recall shadow.

The share that the cascade lost is rate(icd_shadow_lost_codes_total) / rate(icd_shadow_exact_codes_total).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class ShadowResult(StrEnum):
    """What became of a sampled note: searched, not taken because the service had other things to do, or failed."""

    COMPARED = "compared"
    DROPPED = "dropped"
    FAILED = "failed"


class ShadowMetrics:
    """Instruments of the recall shadow."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._notes = Counter("icd_shadow_notes", "Notes sampled for exact search.", ("result",), registry=registry)
        self._codes = Counter(
            "icd_shadow_exact_codes", "Codes among the first 20 of an exact search.", registry=registry
        )
        self._lost = Counter(
            "icd_shadow_lost_codes", "Those of them that the cascade's first 20 lack.", registry=registry
        )
        self._seconds = Histogram(
            "icd_shadow_duration_seconds",
            "Time to encode and search a sampled note.",
            buckets=SECONDS,
            registry=registry,
        )
        for result in ShadowResult:
            self._notes.labels(result)

    def count(self, result: ShadowResult) -> None:
        """One sampled note."""
        self._notes.labels(result).inc()

    def add(self, lost: int, codes: int) -> None:
        """One compared note: codes of the exact search, and how many of them the cascade lost."""
        self._codes.inc(codes)
        self._lost.inc(lost)

    def observe(self, seconds: float) -> None:
        """One search, whether it succeeded or not."""
        self._seconds.observe(seconds)
