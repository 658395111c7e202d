"""What a caller may be allowed to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """One right. They do not include each other: a key for administration reads no notes.

    CODE:    code notes and look codes up
    BATCH:   submit, read and delete durable batches
    ADMIN:   change what is loaded; read metrics
    METRICS: read metrics, and nothing else: for a scraper
    """

    CODE = "code"
    BATCH = "batch"
    ADMIN = "admin"
    METRICS = "metrics"


ALL_SCOPES: Final = frozenset(Scope)
