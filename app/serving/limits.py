"""How much a service takes on. Set in app/settings.py, from the environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """Limits of one process.

    batch_tokens:      tokens of a batch of interactive notes
    bulk_batch_tokens: tokens of a batch of bulk notes; a person waits at most for one of these
    queue_tokens:      tokens that may wait, in each lane
    key_concurrency:   requests of one key that may wait or run
    deadline_seconds:  from admission to answer
    stall_seconds:     a call of the coder that runs longer fails /livez
    """

    batch_tokens: int = 16_384
    bulk_batch_tokens: int = 4_096
    queue_tokens: int = 400_000
    key_concurrency: int = 64
    deadline_seconds: float = 60.0
    stall_seconds: float = 120.0
