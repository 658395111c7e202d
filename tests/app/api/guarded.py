"""Applications that ask for credentials: keys for every scope, and settings to make them count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.access.keyfile import write_keys
from app.access.keys import ApiKey, mint
from app.access.limits import NO_LIMITS, CallerLimits
from app.access.scopes import Scope
from app.pipeline.coder import Coder
from app.settings import Settings
from tests.app.api.client import Client, running


class Keys:
    """A file of keys, and the keys themselves."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "keys.json"
        self.entries: list[ApiKey] = []

    def add(self, *scopes: Scope, limits: CallerLimits = NO_LIMITS, days: int | None = None) -> str:
        """A new key; days: of validity from now, negative for one that has expired."""
        now = datetime.now(UTC)
        expires = None if days is None else now + timedelta(days=days)
        entry, text = mint("a test", scopes, now, expires, limits)
        self.entries.append(entry)
        write_keys(self.path, self.entries)
        return text


@contextmanager
def guarded(coder: Coder, keys: Keys, **settings: Any) -> Iterator[Client]:
    """A running service that asks for these keys."""
    with running(lambda: coder, Settings(keys=keys.path, **settings)) as client:
        client.wait_until_ready()
        yield client


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
