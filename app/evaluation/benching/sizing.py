"""How many machines a day's notes take, from the figures of a benchmark and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.evaluation.errors import EvaluationError

DAY = 86_400  # seconds
BUSY = 0.7  # share of a core's time that may be planned with; the rest is for peaks and restarts


def read_figures(path: Path) -> dict[str, Any]:
    """The JSON of a benchmark. Raises EvaluationError, which names the file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise EvaluationError(f"{path} is not the JSON of a benchmark") from None
    if not isinstance(found, dict) or "machine" not in found or not {"pipeline", "length"} & found.keys():
        raise EvaluationError(f"{path} has no figures of whole notes: measure the parts cascade or length")
    return found


def sizing(found: Mapping[str, Any], notes_per_day: int) -> list[dict[str, Any]]:
    """One row a kind of note: core-seconds of a note, cores for the day's notes, and the same with room for peaks.

    A note is charged all cores that the process could use while it was coded, so the figures err on the high side.
    """
    cores = found["machine"]["cores"]
    seconds = {}
    if "pipeline" in found:
        seconds["notes of the benchmark"] = 1 / found["pipeline"]["notes_per_second"]
    for row in found.get("length", []):
        seconds[f"{row['characters']:,} characters"] = row["ms"] / 1000
    return [
        {
            "note": name,
            "core_seconds": one * cores,
            "cores": notes_per_day * one * cores / DAY,
            "cores_with_room": notes_per_day * one * cores / DAY / BUSY,
        }
        for name, one in seconds.items()
    ]
