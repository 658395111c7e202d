"""What is known of a note once it is coded, for whoever watches the service: metrics, traces, the recall shadow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.pipeline.coder import Coder
from app.pipeline.coding import Coding
from app.serving.work import Work


@dataclass(frozen=True, slots=True)
class Answered:
    """One coded note. arrived: when it was admitted, in nanoseconds of time.time_ns()."""

    coder: Coder
    work: Work
    coding: Coding
    arrived: int


Watch = Callable[[Answered], None]
"""Called on the event loop, in the context of the request: must return at once and raise nothing."""
