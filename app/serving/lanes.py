"""Two queues and the rule that picks the next batch from them. No threads and no clock here."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Generic, Protocol, TypeVar

from app.serving.work import Lane

WEIGHTS: Final[Mapping[Lane, int]] = {Lane.INTERACTIVE: 4, Lane.BULK: 1}


class Queued(Protocol):
    """What the rule needs to know. cost in tokens; arrived and deadline in seconds of one monotonic clock."""

    @property
    def lane(self) -> Lane: ...  # noqa: D102
    @property
    def cost(self) -> int: ...  # noqa: D102
    @property
    def arrived(self) -> float: ...  # noqa: D102
    @property
    def deadline(self) -> float: ...  # noqa: D102


E = TypeVar("E", bound=Queued)


class Lanes(Generic[E]):
    """Each lane is first in, first out. While both have entries, tokens are served 4 : 1.

    A batch is of one lane, so that a person never waits for a batch that was filled up with bulk notes. The lane that
    was served the fewest tokens for its weight is next; an idle lane saves up no credit (stride scheduling).
    """

    def __init__(self) -> None:
        self._queues: dict[Lane, OrderedDict[int, E]] = {lane: OrderedDict() for lane in Lane}
        self._tokens = dict.fromkeys(Lane, 0)
        self._served = dict.fromkeys(Lane, 0.0)  # tokens / weight
        self._turn = 0.0  # what the lane chosen last had been served

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def tokens(self, lane: Lane) -> int:
        """Tokens that wait in a lane."""
        return self._tokens[lane]

    def oldest(self) -> float | None:
        """When the entry that waits longest arrived."""
        heads = (next(iter(queue.values())) for queue in self._queues.values() if queue)
        return min((entry.arrived for entry in heads), default=None)

    def add(self, entry: E) -> None:
        """Last in its lane."""
        queue = self._queues[entry.lane]
        if not queue:
            self._served[entry.lane] = max(self._served[entry.lane], self._turn)
        queue[id(entry)] = entry
        self._tokens[entry.lane] += entry.cost

    def remove(self, entry: E) -> None:
        """Forget an entry, wherever it stands; it may have been taken already."""
        if self._queues[entry.lane].pop(id(entry), None) is not None:
            self._tokens[entry.lane] -= entry.cost

    def drain(self) -> list[E]:
        """All entries; none is left."""
        entries = [entry for queue in self._queues.values() for entry in queue.values()]
        for entry in entries:
            self.remove(entry)
        return entries

    def take(self, now: float, budgets: Mapping[Lane, int]) -> tuple[list[E], list[E]]:
        """The next batch, and entries whose deadline passed before their turn. Empty if nothing waits.

        A batch keeps to the token budget of its lane unless its only entry is larger.
        """
        batch: list[E] = []
        expired: list[E] = []
        while not batch and (lane := self._next()) is not None:
            expired += self._fill(lane, now, budgets[lane], batch)
        return batch, expired

    def _next(self) -> Lane | None:
        return min((lane for lane in Lane if self._queues[lane]), key=lambda lane: self._served[lane], default=None)

    def _fill(self, lane: Lane, now: float, budget: int, batch: list[E]) -> list[E]:
        """Move entries from a lane to the batch; returns those that had expired."""
        tokens, expired = 0, []
        while queue := self._queues[lane]:
            entry = next(iter(queue.values()))
            if entry.deadline <= now:
                expired.append(entry)
            elif batch and tokens + entry.cost > budget:
                break
            else:
                batch.append(entry)
                tokens += entry.cost
            self.remove(entry)
        self._turn = self._served[lane]
        self._served[lane] += tokens / WEIGHTS[lane]
        return expired
