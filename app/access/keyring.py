"""The keys of a running service: read once, and again whenever the file has changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.access.keyfile import read_keys
from app.access.keys import ApiKey, id_in, is_key
from app.errors import KeysFileError
from app.serving.logs import SERVICE, log_failure

_LOOK_SECONDS: Final = 1.0  # how often the file is looked at, at most
_Seen = tuple[int, int, int]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Keyring:
    """Finds keys. If the file becomes unreadable, the keys read before stay valid and the log says so.

    Raises KeysFileError if it cannot be read at first.
    """

    def __init__(
        self, path: Path, now: Callable[[], datetime] = _utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._now = now
        self._monotonic = monotonic
        self._seen = self._look()
        self._looked = monotonic()
        self._keys = read_keys(path)

    def find(self, text: str) -> ApiKey | None:
        """The entry of a key that is valid now, or None."""
        self._follow()
        entry = self._keys.get(id_in(text) or "")
        return entry if is_key(text, entry) and entry is not None and entry.is_valid(self._now()) else None

    def has_valid(self) -> bool:
        """Whether there is any key to come in with."""
        return any(key.is_valid(self._now()) for key in self._keys.values())

    def reload(self) -> bool:
        """Read the file now; returns whether that went well."""
        seen = self._look()
        try:
            self._keys = read_keys(self._path)
        except KeysFileError as error:
            log_failure("keys not read again", error)
            return False
        finally:
            self._seen = seen
        SERVICE.info("keys read again")
        return True

    def _follow(self) -> None:
        if self._monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = self._monotonic()
        if self._look() != self._seen:
            self.reload()

    def _look(self) -> _Seen | None:
        try:
            status = self._path.stat()  # of what a link points to: mounted secrets are swapped by link
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
