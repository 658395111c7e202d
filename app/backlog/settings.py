"""Where durable batches are kept and for how long: the part of the settings that docs/backlog.md explains."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field


class BacklogSettings(BaseModel):
    """Settings of the backlog.

    backlog_folder:         folder of shards, results and records; with a backlog_url the database holds them unless a
                            folder, shared by all replicas, is named
    backlog_url:            postgresql:// URL of the queue, for several replicas; none: SQLite in the folder
    backlog_key_file:       file with the master keys, the current one first
    backlog_key:            the same, from the environment; not together with the file
    backlog_start_hours:    a batch that has not begun by then expires
    backlog_retention_days: results are kept so long after a batch has ended
    backlog_open_batches:   of one caller, not yet ended
    backlog_shards:         shards of this process in work at a time
    """

    backlog_folder: Path | None = None
    backlog_url: str | None = Field(default=None, repr=False)
    backlog_key_file: Path | None = None
    backlog_key: str | None = Field(default=None, repr=False)
    backlog_start_hours: float = Field(default=24.0, gt=0, le=24 * 30)
    backlog_retention_days: float = Field(default=7.0, gt=0, le=366)
    backlog_open_batches: int = Field(default=64, ge=1, le=100_000)
    backlog_shards: int = Field(default=2, ge=1, le=256)
