"""How much a backlog takes on, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOTES: Final = 50_000
BYTES: Final = 200_000_000
LINE_BYTES: Final = 4_000_000  # what one request may have
SHARD_NOTES: Final = 64
SHARD_BYTES: Final = 8_000_000  # a shard is read whole
CUSTOM_ID_CHARACTERS: Final = 128
ABANDONED_SECONDS: Final = 6 * 3600.0  # an upload that takes longer is dead
GRAVE_SECONDS: Final = 600.0  # a deleted batch is swept again, for a shard that was just being written
ATTEMPTS: Final = 100  # times that a shard may take the process down with it


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """What one service takes on.

    notes, bytes, line_bytes: of one batch; a line beyond its bytes ends the upload
    shard_notes, shard_bytes: a shard ends with the line that reaches either
    open_batches:             of one caller, not yet ended
    start_seconds:            a batch that has not begun by then expires
    retention_seconds:        results are kept so long after the end
    """

    notes: int = NOTES
    bytes: int = BYTES
    line_bytes: int = LINE_BYTES
    shard_notes: int = SHARD_NOTES
    shard_bytes: int = SHARD_BYTES
    open_batches: int = 64
    start_seconds: float = 24 * 3600.0
    retention_seconds: float = 7 * 24 * 3600.0
