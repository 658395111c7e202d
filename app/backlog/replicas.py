"""Which processes of a shared backlog are alive: each one changes a blob of its own, the others watch it change.

No clock is compared with another machine's: a process is dead when its blob has not changed for a while of the
watcher's own time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

from app.backlog.store import Store

SILENCE_SECONDS: Final = 60.0
_ROOT: Final = "beats/"


class Replicas:
    """Beats of this process and of the others. Blocking; one thread at a time. silence: seconds."""

    def __init__(
        self, store: Store, silence: float = SILENCE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.own = secrets.token_hex(8)
        self._store = store
        self.silence = silence
        self._clock = clock
        self._seen: dict[str, tuple[bytes, float]] = {}

    def beat(self) -> None:
        """Show that this process lives."""
        self._store.put(_ROOT + self.own, secrets.token_bytes(8))

    def leave(self) -> None:
        """Show that it no longer has jobs."""
        self._store.delete(_ROOT + self.own)

    def dead(self, names: set[str]) -> set[str]:
        """Which of these have been silent for long enough; those never seen to beat count from the first look."""
        beats, now = self._store.contents(_ROOT), self._clock()
        names = names - {self.own}
        for name in names:
            beat = beats.get(_ROOT + name, b"")
            if self._seen.get(name, (None,))[0] != beat:
                self._seen[name] = (beat, now)
        dead = {name for name in names if now - self._seen[name][1] > self.silence}
        for name in self._seen.keys() - names | dead:
            del self._seen[name]
        return dead
