"""The port to where shards and records lie, and the adapter that keeps them in memory."""

from __future__ import annotations

import threading
from typing import Protocol


class Store(Protocol):
    """Small named blobs. Names are slash-separated words of our own. Blocking; thread-safe.

    Every method raises BacklogUnavailable when the place cannot be reached or is full. A blob is whole or not there,
    also after a crash; once a write has returned, it stays.
    """

    def put(self, name: str, content: bytes) -> None:
        """Write, or replace at once."""
        ...

    def put_new(self, name: str, content: bytes) -> bool:
        """Write unless the name is taken; of several writers exactly one gets True."""
        ...

    def get(self, name: str) -> bytes | None:
        """The content, or None."""
        ...

    def names(self, prefix: str) -> list[str]:
        """All names below a prefix, which ends with a slash, or with part of the last word; in their order."""
        ...

    def contents(self, prefix: str) -> dict[str, bytes]:
        """All blobs below a prefix: for small ones."""
        ...

    def delete(self, prefix: str) -> None:
        """Remove every blob whose name is the prefix, or lies below it if it ends with a slash."""
        ...

    def close(self) -> None:
        """Give up what is held."""
        ...


class MemoryStore:
    """Forgets with the process."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, name: str, content: bytes) -> None:
        """Write, or replace."""
        with self._lock:
            self._blobs[name] = content

    def put_new(self, name: str, content: bytes) -> bool:
        """Write unless the name is taken."""
        with self._lock:
            return self._blobs.setdefault(name, content) is content

    def get(self, name: str) -> bytes | None:
        """The content, or None."""
        return self._blobs.get(name)

    def names(self, prefix: str) -> list[str]:
        """All names below a prefix."""
        with self._lock:
            return sorted(name for name in self._blobs if name.startswith(prefix))

    def contents(self, prefix: str) -> dict[str, bytes]:
        """All blobs below a prefix."""
        with self._lock:
            return {name: content for name, content in sorted(self._blobs.items()) if name.startswith(prefix)}

    def delete(self, prefix: str) -> None:
        """Remove a blob, or all below a prefix that ends with a slash."""
        with self._lock:
            for name in [n for n in self._blobs if n == prefix or (prefix.endswith("/") and n.startswith(prefix))]:
                del self._blobs[name]

    def close(self) -> None:
        """Nothing is held."""
