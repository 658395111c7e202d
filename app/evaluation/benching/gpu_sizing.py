"""How many GPUs a day's notes take, if the benchmark measured one; otherwise that none was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.evaluation.benching.sizing import BUSY, DAY


def gpu_sizing(found: Mapping[str, Any], notes_per_day: int) -> dict[str, float] | None:
    """Seconds of a GPU for a note, GPUs for the day's notes, the same with room for peaks; None if none was measured.

    The figure is that of whole notes in one process with one GPU, which is charged while it waits for the CPU, too.
    """
    measured = found.get("gpu", {}).get("notes")
    if measured is None:
        return None
    seconds = 1 / measured["notes_per_second"]["pipeline"]
    gpus = notes_per_day * seconds / DAY
    return {"gpu_seconds": seconds, "gpus": gpus, "gpus_with_room": gpus / BUSY}


def told(found: Mapping[str, Any], notes_per_day: int) -> str:
    """The sizing in a sentence."""
    sized = gpu_sizing(found, notes_per_day)
    if sized is None:
        reason = found.get("gpu", {}).get("not_run", "the benchmark has no part gpu")
        return f"GPUs: none was measured, so none is sized ({reason})."
    return (
        f"GPUs ({found['gpu']['device']}): {sized['gpu_seconds']:.4f} GPU-seconds a note, {sized['gpus']:,.1f} GPUs, "
        f"{sized['gpus_with_room']:,.1f} at {BUSY:.0%} busy, each beside the {found['machine']['cores']} cores that it "
        "was measured with."
    )
