"""The figures of procedures as a person reads them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from app.evaluation.procedures import LINES
from app.evaluation.report import Report

LEVELS = {"whole": "code as the gold has it", "four": "first four characters"}


def render(report: Report) -> RenderableType:
    """The figures of both levels; of the operative lines also where each procedure stands."""
    found = report["procedures"]
    lines = [", ".join(f"{name} {value}" for name, value in report["versions"].items())]
    lines.append(f"{found['texts']} texts, {found['procedures']} procedures")
    for level, meaning in LEVELS.items():
        figures = found[level]
        lines.append(
            f"{meaning}: MAP {figures['MAP']:.4f}, R@5 {figures['recall_5']:.4f}, R@20 {figures['recall_20']:.4f}"
        )
    if report["parameters"]["corpus"] == LINES:
        lines.append("rank of the code, of its first four characters:")
        lines += [f"  {name}: {_rank(one)}, {_rank(four)}" for name, (one, four) in found["ranks"].items()]
    return Group(*(Text(line) for line in lines))


def _rank(rank: int | None) -> str:
    return "-" if rank is None else str(rank)
