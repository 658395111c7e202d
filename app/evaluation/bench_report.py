"""The tables of a benchmark. Ratios travel; times are those of this machine, and say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Report = Mapping[str, Any]
FASTER, AGREEMENT = 6.0, 0.99  # what a cascade should reach against exact search


def render(report: Report) -> RenderableType:
    """The machine and the versions, and the tables of the cascade if it was measured."""
    if "notes" not in report:
        return _machine(report)
    return Group(_notes(report), _machine(report), _stages(report), _searches(report), _closing(report))


def _notes(report: Report) -> Text:
    notes, parameters = report["notes"], report["parameters"]
    left_out = f", {notes['skipped']} without words left out" if notes["skipped"] else ""
    return Text(
        f"{notes['measured']} {parameters['source']}{left_out}, {parameters['repeats']} times each, one at a time; "
        f"tokens {_range(notes['tokens'])}, spans {_range(notes['spans'])}"
    )


def _machine(report: Report) -> Text:
    machine, parameters = report["machine"], report["parameters"]
    flags = "flags not readable" if machine["cpu_flags"] is None else " ".join(machine["cpu_flags"]) or "none"
    versions = ", ".join(f"{name} {value}" for name, value in report["versions"].items() if value is not None)
    return Text(
        f"{versions}, backend {parameters['backend']}\n"
        f"{machine['cores']} cores; {flags}\n"
        + ", ".join(f"{name} {machine[name]}" for name in ("python", "numpy", "onnxruntime", "faiss"))
        + "\n"
    )


def _stages(report: Report) -> Table:
    table = _table("Stages of the pipeline", "stage", "share", "p50 ms on this machine", "p95 ms on this machine")
    for name, found in report["stages"].items():
        table.add_row(name, f"{found['share']:.1%}", *_times(found))
    table.add_section()
    table.add_row("whole note", "", *_times(report["pipeline"]))
    return table


def _searches(report: Report) -> Table:
    header = ("search", "top-20 agreement", "exact takes", "time of 64-d", "p50 ms on this machine", "p95")
    table = _table("Search alone, over the same spans (ratios: median note, least to most)", *header)
    for name, found in report["searches"].items():
        table.add_row(
            name,
            f"{found['top20_agreement']:.3f}",
            f"{_range(found['exact_takes_times'], ' x', 1)}",
            f"{found['takes_times_64d']['median']:.2f} x",
            *_times(found),
        )
    return table


def _closing(report: Report) -> Text:
    pipeline, encoder = report["pipeline"], report["encoder"]
    return Text(
        f"On this machine: {pipeline['notes_per_second']:.2f} notes/s, {pipeline['tokens_per_second']:,.0f} tokens/s; "
        f"the encoder alone {encoder['tokens_per_second']:,.0f} tokens/s.\n"
        f"The encoder takes {_range(encoder['times_the_cascade'], ' x', 1)} the time of the three search stages.\n"
        + "".join(f"{line}\n" for line in _bars(report))
    )


def _bars(report: Report) -> Iterator[str]:
    """Each cascade against exact search over the same vectors. FLOAT has its dtype, threads and matrix product."""
    for name, found in report["searches"].items():
        if name.startswith("cascade"):
            faster, agrees = found["exact_takes_times"]["median"], found["top20_agreement"]
            held = "reached" if faster >= FASTER and agrees >= AGREEMENT else "not reached"
            yield (
                f"{name}: exact 768-d takes {faster:.1f} times as long, top-20 agreement {agrees:.3f}; "
                f"{FASTER:g} times at {AGREEMENT:g} {held}"
            )


def _table(title: str, *header: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place else "left")
    return table


def _times(found: Report) -> tuple[str, str]:
    return f"{found['p50_ms']:.2f}", f"{found['p95_ms']:.2f}"


def _range(found: Report, unit: str = "", digits: int = 0) -> str:
    """The middle one, and the ends in brackets."""
    median, least, most = (f"{found[name]:.{digits}f}" for name in ("median", "least", "most"))
    return f"{median}{unit} ({least} to {most})"
