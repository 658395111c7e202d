"""A coding in the terminal: ranked tables, then the note with its evidence highlighted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.pipeline.coder import Versions
from app.pipeline.coding import CodedItem, Coding

_CODE_STYLE = "bold black on bright_green"
_CANDIDATE_STYLE = "black on bright_yellow"
# rich drops some of these, which would shift every offset after them; a terminal would obey others.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def render(coding: Coding, text: str, versions: Versions, console: Console | None = None) -> None:
    """Print an answer to one text."""
    console = console or Console()
    if coding.codes:
        console.print(_table("Codes", coding.codes))
    if coding.candidates:
        console.print(_table("Candidates, to be looked at", coding.candidates))
    if not coding.codes and not coding.candidates:
        console.print("No finding in this note.")
    for warning in coding.warnings:
        console.print(Text(f"! {warning.message}", style="yellow"))
    console.print(highlight(text, coding))
    console.print(Text(f"{versions.code_set}, model {versions.model}, index {versions.index}", style="dim"))


def highlight(text: str, coding: Coding) -> Text:
    """The text with the evidence of codes over that of candidates. As long as the text: offsets stay exact."""
    shown = Text(_CONTROLS.sub(" ", text))
    for items, style in ((coding.candidates, _CANDIDATE_STYLE), (coding.codes, _CODE_STYLE)):
        for start, end in _spans(items):
            shown.stylize(style, start, end)
    return shown


def _spans(items: Iterable[CodedItem]) -> list[tuple[int, int]]:
    return [(evidence.start, evidence.end) for item in items for evidence in item.evidence]


def _table(title: str, items: Sequence[CodedItem]) -> Table:
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("Code", style="bold", no_wrap=True)
    table.add_column("Title")
    calibrated = all(item.probability is not None for item in items)
    table.add_column("Probability" if calibrated else "Score", justify="right")
    table.add_column("Evidence")
    for item in items:
        words = " … ".join(dict.fromkeys(_CONTROLS.sub(" ", evidence.text) for evidence in item.evidence))
        sure = item.score if item.probability is None else item.probability
        table.add_row(str(item.rank), item.code, Text(item.display), f"{sure:.4f}", Text(words))
    return table
