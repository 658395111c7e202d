"""Pictures of a run: train.jsonl -> loss.png, dev.jsonl -> dev.png. Needs the extra [train] (matplotlib)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Series = dict[str, list[tuple[int, float]]]


def draw(run: Path) -> list[Path]:
    """Draw what the run folder's logs hold; returns the pictures written. Raises ImportError without matplotlib."""
    drawn = []
    for log, picture, label in (("train.jsonl", "loss.png", "loss"), ("dev.jsonl", "dev.png", "recall@20")):
        series = _series(_lines(run / log))
        if series:
            _draw(series, run / picture, label)
            drawn.append(run / picture)
    return drawn


def _series(lines: Sequence[dict[str, Any]]) -> Series:
    """The curves of a log: its "loss", and one for each prefix of "losses" or "recall@20"."""
    series: Series = {}
    for line in lines:
        named = {"weighted sum": line["loss"]} if "loss" in line else {}
        named |= {f"{size}-d": value for key in ("losses", "recall@20") for size, value in line.get(key, {}).items()}
        for name, value in named.items():
            series.setdefault(name, []).append((int(line["step"]), float(value)))
    return series


def _lines(log: Path) -> list[dict[str, Any]]:
    """The log's lines, in the order of steps; a step that a resumed run took twice counts as it was taken last."""
    if not log.exists():
        return []
    by_step = {line["step"]: line for line in map(json.loads, log.read_text(encoding="utf-8").splitlines())}
    return [by_step[step] for step in sorted(by_step)]


def _draw(series: Series, picture: Path, label: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    canvas = FigureCanvasAgg(figure)  # no display, no global state
    axes = figure.add_subplot()
    for name, points in series.items():
        axes.plot([step for step, _ in points], [value for _, value in points], label=name)
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.legend()
    part = picture.with_suffix(".part")
    canvas.print_png(part)  # type: ignore[no-untyped-call]
    part.replace(picture)
