"""What is to be done with which batch: one small blob per upload, which the sweep reads whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from app.backlog.batch import BatchKey, Phase
from app.backlog.store import Store

_ROOT: Final = "index/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One upload. created: when it began; since: when this phase began; tokens: estimated, of the batch."""

    key: BatchKey
    phase: Phase
    created: float
    since: float
    tokens: int = 0


class Index:
    """Entries over a store. The last write wins; the sweep mends what two replicas write at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, entry: Entry) -> None:
        """Keep or replace the entry of an upload."""
        values = {"phase": entry.phase, "created": entry.created, "since": entry.since, "tokens": entry.tokens}
        self._store.put(f"{_ROOT}{entry.key}", json.dumps(values).encode())

    def remove(self, key: BatchKey) -> None:
        """Forget an upload."""
        self._store.delete(f"{_ROOT}{key}")

    def entries(self, owner: str = "") -> list[Entry]:
        """All entries, or those of one owner; the oldest first."""
        contents = self._store.contents(f"{_ROOT}{owner}." if owner else _ROOT)
        return sorted((_decode(name, content) for name, content in contents.items()), key=lambda e: e.created)


def _decode(name: str, content: bytes) -> Entry:
    values = json.loads(content)
    key = BatchKey.parse(name.removeprefix(_ROOT))
    return Entry(key, Phase(values["phase"]), values["created"], values["since"], values["tokens"])
