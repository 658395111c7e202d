"""The figures of the assertion traps as a person reads them; traps by their ids."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.text import Text

from app.evaluation.report import Report


def render(report: Report) -> RenderableType:
    """What leaked, what was lost and what was not offered, each by its trap."""
    found = report["traps"]
    by_said = Counter(leak["said"] for leak in found["leaks"])
    leaked = ", ".join(f"{said} {count}" for said, count in sorted(by_said.items()))
    lines = [
        f"{found['traps']} traps; " + ", ".join(f"{name} {value}" for name, value in report["versions"].items()),
        f"leaks into codes: {len(found['leaks'])} {leaked}".rstrip(),
        *(f"  {leak['trap']}: {leak['code']} ({leak['said']})" for leak in found["leaks"]),
        f"findings to be coded: {found['findings']}, in codes {found['findings_coded']}, listed "
        f"{found['findings_listed']}, lost to assertion {len(found['lost'])}",
        *(f"  {lost['trap']}: {', '.join(lost['codes'])}" for lost in found["lost"]),
        f"offered by history, status or family: {found['offers']}, in codes {found['offers_coded']}, listed "
        f"{found['offers_listed']}",
        *(f"  not listed: {one}" for one in found["offers_missing"]),
    ]
    return Group(*(Text(line) for line in lines))
