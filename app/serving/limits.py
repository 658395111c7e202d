"""How much a service takes on. Set in app/settings.py, from the environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """Limits of one process.

    batch_tokens:      tokens of a batch, unless it is one larger note
    bulk_seconds:      bulk batches are kept so short, by measured speed: a person may have to wait for one
    queue_tokens:      tokens that may wait, in each lane
    key_concurrency:   requests of one key that may wait or run
    deadline_seconds:  from admission to answer
    stall_seconds:     a call of the coder that runs longer fails /livez
    """

    batch_tokens: int = 16_384
    bulk_seconds: float = 0.1
    queue_tokens: int = 400_000
    key_concurrency: int = 64
    deadline_seconds: float = 60.0
    stall_seconds: float = 120.0
