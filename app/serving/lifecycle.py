"""From start to stop: the pipeline that serves, how it is opened, and how another takes its place.

The serving pipeline is one reference. Whoever codes a note reads it once and keeps it, so an answer belongs wholly to
one pipeline; the old one goes with its last note (docs/decisions/0015).
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from app.errors import NotReady, ReloadInProgress, ReloadRefused, ServiceError
from app.pipeline.coder import Coder, Versions
from app.pipeline.shelved import all_versions
from app.serving.heap import thaw, trim
from app.serving.lifecycle_metrics import LifecycleMetrics, ReloadResult
from app.serving.logs import SERVICE, log_failure
from index_builder.errors import ArtifactError
from model.errors import ModelError


@dataclass(frozen=True, slots=True)
class Choice:
    """Which artifacts to open; None is what the settings name.

    index: content hash of an artifact of a served code set
    model: name of a checkpoint folder below the settings' models
    """

    index: str | None = None
    model: str | None = None


@runtime_checkable
class Releasing(Protocol):
    """A coder that can give memory back and serve on, a little slower at first."""

    def release(self) -> None:
        """Give it back."""
        ...

    def spare(self, sparing: bool) -> None:
        """Whether to give back soon what is read from now on."""
        ...


OpenCoder = Callable[[Choice], Coder]
SETTINGS = Choice()
_FREEING_SECONDS = 0.2  # what a coder holds is freed right after it


class State(StrEnum):
    """Where a service stands. Only READY answers coding requests."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A finished swap. previous is None if nothing had been loaded."""

    previous: Versions | None
    versions: Versions
    seconds: float


class Lifecycle:
    """Opens coders, one at a time, and holds the one that serves. Thread-safe."""

    def __init__(self, open_coder: OpenCoder, metrics: LifecycleMetrics) -> None:
        self._open_coder = open_coder
        self._metrics = metrics
        self._opening = threading.Lock()  # held while a coder is opened
        self._coder: Coder | None = None
        self._failure: Exception | None = None
        self._stopping = False
        self._alive: weakref.WeakSet[Coder] = weakref.WeakSet()
        metrics.watch(lambda: len(self._alive))

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
        """The serving coder, also while stopping; None before."""
        return self._coder

    @property
    def failure(self) -> Exception | None:
        """Why loading failed. It read artifacts, not notes: its message may be shown to the operator."""
        return self._failure

    def require(self) -> Coder:
        """The serving coder; raises NotReady before. Requests in flight are still answered while stopping."""
        if self._coder is None:
            raise NotReady(_REASONS[self.state])
        return self._coder

    def start(self) -> None:
        """Begin to load what the settings name; returns at once."""
        self._opening.acquire()
        # A daemon: a stop during loading must not wait for it.
        threading.Thread(target=self._load, name="load", daemon=True).start()

    def stop(self) -> None:
        """Be no longer ready, so that no new requests are sent here."""
        self._stopping = True

    def reload(self, choice: Choice = SETTINGS) -> Reloaded:
        """Open and verify another coder, then let it serve. Blocking, seconds; notes are coded meanwhile.

        Raises ReloadInProgress, NotReady while stopping, or ReloadRefused with the reason; the old coder serves on.
        """
        if not self._opening.acquire(blocking=False):
            self._metrics.count_reload(ReloadResult.BUSY)
            raise ReloadInProgress("Model and index are being opened already; try again when that is done.")
        begin = time.perf_counter()
        try:
            reloaded = self._swap(choice, begin)
        except Exception as error:
            log_failure("reload refused", error)
            self._metrics.count_reload(ReloadResult.REFUSED, time.perf_counter() - begin)
            raise
        finally:
            self._opening.release()
        self._metrics.count_reload(ReloadResult.SWAPPED, reloaded.seconds)
        SERVICE.info("reloaded", extra={"seconds": round(reloaded.seconds, 3)})
        return reloaded

    def _swap(self, choice: Choice, begin: float) -> Reloaded:
        previous = None if self._coder is None else self._coder.versions
        _lighten(self._coder)
        _spare(self._coder, True)
        thaw()
        try:
            coder = self._open(choice)
        except Exception as error:
            _spare(self._coder, False)
            raise ReloadRefused(f"The old pipeline serves on. {_reason(error)}") from error
        if self._stopping:
            raise NotReady(_REASONS[State.STOPPING])
        if self._coder is not None:
            _spare(coder, True)
            _relax_after(self._coder, coder)
        self._serve(coder)
        return Reloaded(previous, coder.versions, time.perf_counter() - begin)

    def _load(self) -> None:
        begin = time.perf_counter()
        try:
            self._serve(self._open(SETTINGS))
        except Exception as error:
            log_failure("loading failed", error)
            self._failure = error
            return
        finally:
            self._opening.release()
        SERVICE.log(logging.INFO, "ready", extra={"seconds": round(time.perf_counter() - begin, 3)})

    def _open(self, choice: Choice) -> Coder:
        coder = self._open_coder(choice)
        _lighten(coder)  # golden queries and warming up read from all over the matrix
        return coder

    def _serve(self, coder: Coder) -> None:
        self._alive.add(coder)
        self._metrics.announce(all_versions(coder))
        self._coder, self._failure = coder, None


def _lighten(coder: Coder | None) -> None:
    """Give back what a coder can have again from files, and what the allocator keeps."""
    if isinstance(coder, Releasing):
        coder.release()
    trim()


def _relax_after(old: Coder, new: Coder) -> None:
    """Once the old coder is gone, which under load is with its last note: give back what it held, hold more again."""
    gone, heir = threading.Event(), weakref.ref(new)
    weakref.finalize(old, gone.set)

    def wait() -> None:
        gone.wait()
        time.sleep(_FREEING_SECONDS)
        trim()
        _spare(heir(), False)

    threading.Thread(target=wait, name="relax", daemon=True).start()


def _spare(coder: Coder | None, sparing: bool) -> None:
    """While two are open neither holds what it can have again from files; both serve on, a little slower."""
    if isinstance(coder, Releasing):
        coder.spare(sparing)


def _reason(error: Exception) -> str:
    """What an operator may read. Artifacts were read, not notes; of errors that are not ours only the type."""
    if isinstance(error, ServiceError):
        return error.detail
    if isinstance(error, ArtifactError | ModelError):
        return str(error)
    return f"Opening failed with {type(error).__name__}; the service's log names the place."


_REASONS = {
    State.LOADING: "The index is being loaded and verified; try again in a few seconds.",
    State.FAILED: "The index could not be loaded; the service's log names the reason.",
    State.STOPPING: "The service is stopping.",
}
