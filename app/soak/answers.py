"""What came back from a service under load, and whether it is what should have come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

OK: Final = 200
REFUSALS: Final = frozenset({429, 503})
_COMPARED: Final = ("codes", "candidates", "suppressed", "versions")


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. status is 0 where the connection broke; tokens are those of its notes; times in seconds.

    identical: whether every note was answered as it was alone; retry_after: whether the header was there
    """

    status: int
    tokens: int
    begun: float
    seconds: float
    identical: bool = True
    retry_after: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """One phase of load. Latencies are of answered requests, in seconds; so are requests and tokens a second."""

    requests: int
    answered: int
    refused: int
    refused_without_retry_after: int
    lost: int
    different: int
    tokens_per_second: float
    requests_per_second: float
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, answers: Sequence[Answer], seconds: float) -> Summary:
        """Count the answers of a phase that lasted so long."""
        good = [answer for answer in answers if answer.status == OK]
        refused = [answer for answer in answers if answer.status in REFUSALS]
        times = [answer.seconds for answer in good]
        p50, p95, p99 = np.percentile(times, [50, 95, 99]).tolist() if times else (0.0, 0.0, 0.0)
        return cls(
            requests=len(answers),
            answered=len(good),
            refused=len(refused),
            refused_without_retry_after=sum(not answer.retry_after for answer in refused),
            lost=len(answers) - len(good) - len(refused),
            different=sum(not answer.identical for answer in good),
            tokens_per_second=sum(answer.tokens for answer in good) / seconds,
            requests_per_second=len(good) / seconds,
            p50=p50,
            p95=p95,
            p99=p99,
        )


def comparable(body: Mapping[str, Any]) -> dict[str, Any]:
    """What input and versions decide of an answer: not its id, not its times."""
    return {name: body.get(name) for name in _COMPARED}
