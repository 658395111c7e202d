"""How busy the service is, and what that means for whoever comes next. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.serving.lanes import WEIGHTS
from app.serving.limits import ServingLimits
from app.serving.work import Lane

ASSUMED_SPEED: Final = 5_000.0  # tokens per second before anything is measured: MiniLM on two CPU cores
MEMORY_SECONDS: Final = 10.0
LONGEST_RETRY: Final = 600


@dataclass(frozen=True, slots=True)
class Throughput:
    """Tokens per second of finished batches, weighted by an exponential window over busy time.

    Tokens and seconds fade together, so that many small batches weigh no more than one long one. The assumed speed
    counts like one second of measurement.
    """

    tokens: float = ASSUMED_SPEED
    seconds: float = 1.0

    def after(self, tokens: int, seconds: float) -> Throughput:
        """With one more batch."""
        kept = math.exp(-seconds / MEMORY_SECONDS)
        return Throughput(kept * self.tokens + tokens, kept * self.seconds + seconds)

    @property
    def per_second(self) -> float:
        """The estimate; positive."""
        return max(1.0, self.tokens / self.seconds)


def batch_budgets(limits: ServingLimits, speed: float) -> dict[Lane, int]:
    """Tokens of a batch, by lane."""
    bulk = min(limits.batch_tokens, max(1, int(speed * limits.bulk_seconds)))
    return {Lane.INTERACTIVE: limits.batch_tokens, Lane.BULK: bulk}


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens that wait, by lane, and that run; tokens that are coded per second."""

    queued: Mapping[Lane, int]
    running: int
    speed: float

    def wait(self, lane: Lane, cost: int = 0) -> float:
        """Seconds until a lane, with cost more tokens in it, would be empty if nothing else came.

        The other lane goes first with what it holds, up to its share.
        """
        [other] = set(Lane) - {lane}
        own = self.queued[lane] + cost
        passing = min(self.queued[other], own * WEIGHTS[other] / WEIGHTS[lane])
        return (self.running + own + passing) / self.speed

    def retry_after(self, lane: Lane) -> int:
        """Whole seconds until the lane has drained: 1 to 600."""
        return min(LONGEST_RETRY, max(1, math.ceil(self.wait(lane))))
