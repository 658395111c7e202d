"""The comparison of ways to find evidence as sheets of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.evaluation.sheets import Part, Report, Sheet

_FIGURES = (
    "first span meets a mark",
    "first span is a mark",
    "partial F1",
    "span F1",
    "token F1",
    "token precision",
    "token recall",
    "spans a code",
    "words a span",
    "ms a code",
)


def parts(report: Report) -> list[Part]:
    """What was asked, each way's figures, and the tests against the way that answers use."""
    found = report["evidence_ways"]
    empty = [name for name, figures in found["ways"].items() if figures["without"]]
    asked = (
        f"Marked words of {found['notes']} notes; {found['shortlisted']} of {found['marked codes']} marked codes are "
        f"shortlisted, and their evidence is compared. Ways with codes without evidence: {', '.join(empty) or 'none'}."
    )
    ways = tuple((name, *(f"{figures[one]:.3f}" for one in _FIGURES)) for name, figures in found["ways"].items())
    tests = tuple(
        (row["way"], *(part for metric in ("span F1", "token F1") for part in _tested(row[metric])))
        for row in found["tests"]
    )
    return [
        asked,
        Sheet("Evidence against marked words; answers show `phrases`", ("way", *_FIGURES), ways),
        Sheet(
            "Each way less `phrases`: approximate randomization over notes",
            ("way", "span F1", "p", "token F1", "p"),
            tests,
        ),
    ]


def _tested(found: Mapping[str, Any]) -> tuple[str, str]:
    return f"{found['difference']:+.3f}", f"{found['p_value']:.4f}"
