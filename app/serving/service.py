"""The parts that every request meets, made once per application."""

from __future__ import annotations

from dataclasses import dataclass

from app.serving.admission import Admission
from app.serving.batcher import Batcher
from app.serving.lifecycle import Lifecycle, OpenCoder
from app.serving.limits import ServingLimits
from app.serving.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes use."""

    lifecycle: Lifecycle
    admission: Admission
    batcher: Batcher
    metrics: Metrics

    def start(self) -> None:
        """Begin to load and to work; returns at once."""
        self.batcher.start()
        self.lifecycle.start()

    def stop(self) -> None:
        """Be no longer ready and take no more notes; the batch that runs is finished."""
        self.lifecycle.stop()
        self.batcher.close()


def assemble_service(open_coder: OpenCoder, limits: ServingLimits) -> Service:
    """A service that has not begun to load."""
    metrics = Metrics()
    lifecycle = Lifecycle(open_coder, lambda coder: metrics.announce(coder.versions))
    batcher = Batcher(limits, metrics)
    return Service(lifecycle, Admission(batcher, limits, metrics), batcher, metrics)
