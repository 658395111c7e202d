"""From start to ready: the index is loaded and verified in the background while the service already answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from app.errors import NotReady
from app.pipeline.coder import Coder
from app.serving.logs import SERVICE, log_failure

OpenCoder = Callable[[], Coder]


class State(StrEnum):
    """Where a service stands. Only READY answers coding requests."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"


class Lifecycle:
    """Opens a coder once, in a thread of its own.

    on_ready is called from that thread, before the coder is handed out.
    """

    def __init__(self, open_coder: OpenCoder, on_ready: Callable[[Coder], None] = lambda coder: None) -> None:
        self._open_coder = open_coder
        self._on_ready = on_ready
        self._coder: Coder | None = None
        self._failure: Exception | None = None
        self._stopping = False

    @property
    def state(self) -> State:
        """Where the service stands now."""
        if self._stopping:
            return State.STOPPING
        if self._failure is not None:
            return State.FAILED
        return State.LOADING if self._coder is None else State.READY

    @property
    def coder(self) -> Coder | None:
        """The loaded coder, also while stopping; None before."""
        return self._coder

    @property
    def failure(self) -> Exception | None:
        """Why loading failed. It read artifacts, not notes: its message may be shown to the operator."""
        return self._failure

    def require(self) -> Coder:
        """The loaded coder; raises NotReady before. Requests in flight are still answered while stopping."""
        if self._coder is None:
            raise NotReady(_REASONS[self.state])
        return self._coder

    def start(self) -> None:
        """Begin to load; returns at once."""
        # A daemon: a stop during loading must not wait for it.
        threading.Thread(target=self._load, name="load", daemon=True).start()

    def stop(self) -> None:
        """Be no longer ready, so that no new requests are sent here."""
        self._stopping = True

    def _load(self) -> None:
        begin = time.perf_counter()
        try:
            coder = self._open_coder()
        except Exception as error:
            log_failure("loading failed", error)
            self._failure = error
            return
        self._on_ready(coder)
        self._coder = coder
        SERVICE.log(logging.INFO, "ready", extra={"seconds": round(time.perf_counter() - begin, 3)})


_REASONS = {
    State.LOADING: "The index is being loaded and verified; try again in a few seconds.",
    State.FAILED: "The index could not be loaded; the service's log names the reason.",
    State.STOPPING: "The service is stopping.",
}
