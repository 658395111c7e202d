"""Pictures of a benchmark: cost against length, cost against forms, recall against time. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Report = Mapping[str, Any]


def draw(report: Report, folder: Path) -> list[str]:
    """Write a PNG for each part that has a curve; returns their names. Raises ImportError without matplotlib."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, points in curves(report).items():
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot([x for x, _, _ in points["points"]], [y for _, y, _ in points["points"]], points["style"])
        for x, y, label in points["points"]:
            axes.annotate(label, (x, y), fontsize=8)
        axes.set(xlabel=points["x"], ylabel=points["y"], xscale="log", ylim=(0, None))
        figure.savefig(folder / f"{name}.png", dpi=120)
        drawn.append(f"{name}.png")
    return drawn


def curves(report: Report) -> dict[str, dict[str, Any]]:
    """Points (x, y, label) and what the axes show, of those parts that were measured."""
    found = {}
    if "length" in report:
        found["length"] = _curve(
            "characters",
            "ms per 1,000 characters",
            [(one["characters"], one["ms_per_1000_characters"], "") for one in report["length"]],
        )
    if "forms" in report:
        found["forms"] = _curve(
            "forms",
            "ns per form and span",
            [(one["forms"], one["ns_per_form_and_span"], "") for one in report["forms"]],
        )
    if "hnsw" in report:
        searches = report["hnsw"]["searches"].items()
        points = [(one["us_per_span"], one["recall20"], name) for name, one in searches]
        found["hnsw"] = _curve("us per span", "recall of 20 forms", points, "o")
    return found


def _curve(x: str, y: str, points: Sequence[tuple[float, float, str]], style: str = "o-") -> dict[str, Any]:
    return {"x": x, "y": y, "points": points, "style": style}
