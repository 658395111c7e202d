"""The parts that every request meets, made once per application."""

from __future__ import annotations

from dataclasses import dataclass

from app.serving.execution import Execution
from app.serving.lifecycle import Lifecycle, OpenCoder
from app.serving.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes use."""

    lifecycle: Lifecycle
    execution: Execution
    metrics: Metrics


def assemble_service(open_coder: OpenCoder) -> Service:
    """A service that has not begun to load."""
    metrics = Metrics()
    lifecycle = Lifecycle(open_coder, lambda coder: metrics.announce(coder.versions))
    return Service(lifecycle, Execution(metrics), metrics)
