"""How much one caller may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CallerLimits:
    """Limits of one caller; None: only the limits of the service apply.

    concurrency:        requests that may wait or run
    notes_per_minute:   notes that are admitted
    tokens_per_minute:  tokens that are admitted, as estimated before tokenisation
    """

    concurrency: int | None = None
    notes_per_minute: int | None = None
    tokens_per_minute: int | None = None


NO_LIMITS: Final = CallerLimits()
