"""The files of one batch: sealed input, sealed results, tallies and marks, each written once.

batches/<owner>/<batch>/record                          what was uploaded, and the wrapped data key
batches/<owner>/<batch>/<upload>/input/00003            lines as received, sealed
batches/<owner>/<batch>/<upload>/result/00003           answers, sealed; the first writer wins
batches/<owner>/<batch>/<upload>/tally/00003            how many of them are codes, how many problems
batches/<owner>/<batch>/<upload>/queued, began, cancelled, expired, ended
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.backlog.batch import BatchKey, BatchState, Ending, Record
from app.backlog.lines import succeeded
from app.backlog.sealing import open_lines, seal_lines
from app.backlog.store import Store
from app.errors import DamagedShard

ROOT: Final = "batches/"


class Mark(StrEnum):
    """Events of a batch that are noted once, with their time."""

    QUEUED = "queued"
    BEGAN = "began"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Tally:
    """Lines of one shard: with codes, and with problems or errors. damaged: the input could not be read."""

    completed: int
    failed: int
    damaged: bool = False


def record_name(owner: str, batch: str) -> str:
    """Where the record of a batch lies."""
    return f"{ROOT}{owner}/{batch}/record"


def read_record(store: Store, owner: str, batch: str) -> Record | None:
    """The record of a batch, or None. Raises DamagedShard."""
    content = store.get(record_name(owner, batch))
    if content is None:
        return None
    try:
        return Record.decode(content)
    except (ValueError, KeyError, TypeError):
        raise DamagedShard("The record of a batch cannot be read.") from None


class Shards:
    """The sealed input of an upload, before there is a record."""

    def __init__(self, store: Store, key: BatchKey, data_key: bytes) -> None:
        self._store = store
        self._data_key = data_key
        self.place = f"{ROOT}{key.owner}/{key.batch}/{key.upload}/"

    def write_input(self, shard: int, lines: Sequence[bytes]) -> None:
        """Keep lines as received."""
        self._store.put(*self._sealed("input", shard, lines))

    def read_input(self, shard: int) -> list[bytes]:
        """Lines as received. Raises DamagedShard."""
        return self._open("input", shard)

    def drop(self) -> None:
        """Remove everything of the upload."""
        self._store.delete(self.place)

    def _sealed(self, kind: str, shard: int, lines: Sequence[bytes]) -> tuple[str, bytes]:
        name = self._name(kind, shard)
        return name, seal_lines(self._data_key, list(lines), name)

    def _open(self, kind: str, shard: int) -> list[bytes]:
        name = self._name(kind, shard)
        sealed = self._store.get(name)
        if sealed is None:
            raise DamagedShard("A stored shard is missing.")
        return open_lines(self._data_key, sealed, name)

    def _name(self, kind: str, shard: int) -> str:
        return f"{self.place}{kind}/{shard:05d}"


class Archive(Shards):
    """Everything of a recorded batch."""

    def __init__(self, store: Store, record: Record, data_key: bytes) -> None:
        super().__init__(store, record.key, data_key)
        self.record = record

    def write_result(self, shard: int, answers: Sequence[bytes], damaged: bool = False) -> None:
        """Keep the answers of a shard, unless others are kept already; then those count."""
        self._store.put_new(*self._sealed("result", shard, answers))
        self.restore_tally(shard, damaged)

    def restore_tally(self, shard: int, damaged: bool = False) -> None:
        """Count the kept answers, after a crash between answers and count."""
        answers = self.read_result(shard)
        completed = sum(map(succeeded, answers))
        tally = Tally(completed, len(answers) - completed, damaged)
        self._store.put_new(self._name("tally", shard), _encode(tally))

    def write_tally(self, shard: int, tally: Tally) -> None:
        """Replace the count of a shard whose answers can no longer be read."""
        self._store.put(self._name("tally", shard), _encode(tally))

    def read_result(self, shard: int) -> list[bytes]:
        """The answers of a shard. Raises DamagedShard."""
        answers = self._open("result", shard)
        if len(answers) != self.record.shards[shard]:
            raise DamagedShard("A stored shard has another number of lines than it was written with.")
        return answers

    def answered(self) -> set[int]:
        """Shards whose answers are kept."""
        return {_number(name) for name in self._store.names(f"{self.place}result/")}

    def tallies(self) -> dict[int, Tally]:
        """Counts of the shards whose answers are kept and counted."""
        contents = self._store.contents(f"{self.place}tally/")
        return {_number(name): Tally(**json.loads(content)) for name, content in contents.items()}

    def drop_input(self) -> None:
        """Remove the notes; the answers stay."""
        self._store.delete(f"{self.place}input/")

    def mark(self, mark: Mark, at: float) -> bool:
        """Note an event; False if it was noted before."""
        return self._store.put_new(self.place + mark, str(at).encode())

    def marked(self, mark: Mark) -> float | None:
        """When an event was noted, or None."""
        content = self._store.get(self.place + mark)
        return None if content is None else float(content)

    def end(self, ending: Ending) -> bool:
        """Note the end; False if it was noted before."""
        values = {name: getattr(ending, name) for name in Ending.__slots__}
        return self._store.put_new(f"{self.place}ended", json.dumps(values).encode())

    def ending(self) -> Ending | None:
        """The end, or None before."""
        content = self._store.get(f"{self.place}ended")
        if content is None:
            return None
        values = json.loads(content)
        return Ending(**(values | {"state": BatchState(values["state"])}))

    def attempt(self, shard: int) -> int:
        """Count one more begin of a shard: how often it was begun and not put back, this time included."""
        name = self._name("attempt", shard)
        attempts = int(self._store.get(name) or 0) + 1
        self._store.put(name, str(attempts).encode())
        return attempts

    def put_back(self, shard: int) -> None:
        """The shard was begun and stopped in order: no attempt."""
        self._store.delete(self._name("attempt", shard))


def _encode(tally: Tally) -> bytes:
    return json.dumps({"completed": tally.completed, "failed": tally.failed, "damaged": tally.damaged}).encode()


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])
