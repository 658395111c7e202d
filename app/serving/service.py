"""The parts that every request meets, made once per application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.serving.admission import Admission
from app.serving.answered import Watch
from app.serving.batcher import Batcher
from app.serving.lifecycle import Lifecycle, OpenCoder
from app.serving.limits import ServingLimits
from app.serving.logs import log_failure
from app.serving.metrics import Metrics
from app.serving.shadow import Shadow

OnDrain = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes use."""

    lifecycle: Lifecycle
    admission: Admission
    batcher: Batcher
    metrics: Metrics
    shadow: Shadow
    _on_drain: list[OnDrain] = field(default_factory=list)

    def start(self) -> None:
        """Begin to load and to work; returns at once."""
        self.batcher.start()
        self.shadow.start()
        self.lifecycle.start()

    def on_drain(self, callback: OnDrain) -> None:
        """Call back when the service is to stop, while it still answers: for whoever takes work of its own accord."""
        self._on_drain.append(callback)

    async def drain(self) -> None:
        """Be no longer ready and tell whoever asked to be told; returns when all are done. Called once."""
        self.lifecycle.stop()
        self.shadow.close()
        for ended in await asyncio.gather(*(callback() for callback in self._on_drain), return_exceptions=True):
            if isinstance(ended, Exception):
                log_failure("draining failed", ended)

    def stop(self) -> None:
        """Be no longer ready and take no more notes; the batch that runs is finished."""
        self.lifecycle.stop()
        self.shadow.close()
        self.batcher.close()


def assemble_service(
    open_coder: OpenCoder, limits: ServingLimits, shadow_share: float = 0.0, watches: Sequence[Watch] = ()
) -> Service:
    """A service that has not begun to load. watches: told of every coded note."""
    metrics = Metrics()
    lifecycle = Lifecycle(open_coder, metrics.lifecycle)
    batcher = Batcher(limits, metrics)
    shadow = Shadow(shadow_share, lambda: any(batcher.load().queued.values()), metrics.shadow)
    admission = Admission(batcher, limits, metrics, (shadow.watch, *watches))
    return Service(lifecycle, admission, batcher, metrics, shadow)
