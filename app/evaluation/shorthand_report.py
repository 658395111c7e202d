"""The figures of the words clinicians write as a person reads them; lines by their ids."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from app.evaluation.report import Report

LISTS = {
    "forbidden": "must not be in codes",
    "forbidden_candidates": "better not among the candidates",
    "wrong_offsets": "evidence is not the text as sent",
    "wrong_language": "language told wrongly",
    "missed": "not in the 20 best",
    "uncoded": "among the candidates only",
}


def render(report: Report) -> RenderableType:
    """Counts by kind, then every line that is not as it should be."""
    found = report["shorthand"]
    lines = [", ".join(f"{name} {value}" for name, value in report["versions"].items())]
    for kind, counts in found["kinds"].items():
        lines.append(
            f"{kind}: {counts['lines']} lines, {counts['findings']} findings, in codes {counts['coded']}, "
            f"in the 20 best {counts['found']}"
        )
    for name, meaning in LISTS.items():
        lines.append(f"{meaning}: {len(found[name])}")
        lines += [f"  {one}" for one in found[name]]
    return Group(*(Text(line) for line in lines))
