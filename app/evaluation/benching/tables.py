"""The tables of the further parts of a benchmark, and of the sizing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from app.evaluation.benching.sizing import BUSY

Report = Mapping[str, Any]


def render_parts(report: Report) -> RenderableType:
    """Tables of those further parts that were measured."""
    shown: dict[str, Callable[[Any], RenderableType]] = {
        "hnsw": _hnsw,
        "encoders": _encoders,
        "length": _length,
        "forms": _forms,
        "gpu": _gpu,
    }
    return Group(*(draw(report[name]) for name, draw in shown.items() if name in report))


def render_sizing(rows: Iterable[Report], notes_per_day: int, cores: int) -> RenderableType:
    """What a day's notes take."""
    title = f"{notes_per_day:,} notes a day, from a benchmark on {cores} cores"
    header = ("note", "core-seconds", "cores", f"cores at {BUSY:.0%} busy")
    return _table(
        title,
        header,
        [
            (one["note"], f"{one['core_seconds']:.3f}", f"{one['cores']:,.1f}", f"{one['cores_with_room']:,.1f}")
            for one in rows
        ],
    )


def _hnsw(found: Report) -> RenderableType:
    title = (
        f"HNSW against exact search, {found['forms']:,} forms, {found['spans']} spans, {found['threads']} thread(s); "
        f"built in {found['build_seconds']:.1f} s"
    )
    rows = [
        (name, f"{one['recall20']:.3f}", f"{one['exact_takes_times']:.1f} x", f"{one['us_per_span']:.1f}")
        for name, one in found["searches"].items()
    ]
    return _table(title, ("search", "recall of 20 forms", "exact takes", "us a span on this machine"), rows)


def _encoders(found: Report) -> RenderableType:
    title = f"Encoders, {found['texts']} texts, {found['tokens']:,} real tokens, {found['threads']} thread(s)"
    rows = [
        (name, f"{one['ours_is_times']:.2f} x", f"{one['tokens_per_second']:,.0f}", _cosine(one["least_cosine"]))
        for name, one in found["encoders"].items()
    ]
    rows += [(name, "not measured", reason, "") for name, reason in found["skipped"].items()]
    return _table(title, ("encoder", "ours is faster", "tokens/s on this machine", "least cosine to ours"), rows)


def _length(rows: Sequence[Report]) -> RenderableType:
    table = [
        (
            f"{one['characters']:,}",
            f"{one['ms_per_1000_characters'] / rows[0]['ms_per_1000_characters']:.2f} x",
            f"{one['ms_per_1000_characters']:.2f}",
            f"{one['ms']:.0f}",
        )
        for one in rows
    ]
    header = ("characters", "per character, first is 1", "ms per 1,000 characters on this machine", "ms")
    return _table("Cost against the length of a note", header, table)


def _forms(rows: Sequence[Report]) -> RenderableType:
    table = [
        (
            f"{one['forms']:,}",
            f"{one['ns_per_form_and_span'] / rows[0]['ns_per_form_and_span']:.2f} x",
            f"{one['ns_per_form_and_span']:.2f}",
            f"{one['ms']:.1f}",
        )
        for one in rows
    ]
    header = ("forms", "per form, first is 1", "ns per form and span on this machine", "ms")
    return _table(f"Cost of the first stage against forms, {rows[0]['spans']} spans", header, table)


def _gpu(found: Report) -> RenderableType:
    if "not_run" in found:
        return _table("GPU backend", ("measured", "figure"), [("everything", f"not run: {found['not_run']}")])
    packed, notes, parity = found["packed"], found["notes"], found["parity"]
    shape = f"{packed['sequences']} sequences, {packed['tokens']:,} tokens, longest {packed['longest']:,}"
    title = f"GPU backend, {found['device']}, torch {found['torch']}; ModernBERT-base shape: {shape}"
    rows = [
        ("matrix product, TFLOP/s", f"{packed['ceiling_tflops']:,.1f}"),
        *((f"{name}, TFLOP/s of real work", f"{value:,.1f}") for name, value in packed["tflops"].items()),
        ("share of the matrix ceiling", f"{packed['share_of_ceiling']:.1%}"),
        ("padded SDPA takes", f"{packed['padded_takes_times']:.2f} x"),
        ("unpadded tokens/s", f"{packed['tokens_per_second']:,.0f}"),
        ("kernel", f"{packed['kernel']}, {'compiled' if packed['fused'] else 'not compiled'}"),
        ("least cosine, unpadded to padded", f"{packed['least_cosine']:.4f}"),
        (f"notes/s, encode stage ({notes['notes']} notes)", f"{notes['notes_per_second']['encode']:,.1f}"),
        (f"notes/s, whole pipeline, search {notes['search']}", f"{notes['notes_per_second']['pipeline']:,.1f}"),
        ("least cosine to the CPU", f"{parity['least_cosine']:.4f}"),
        ("codes in common with the CPU", f"{parity['codes_agreement']:.1%}"),
    ]
    return _table(title, ("measured", "figure"), rows)


def _cosine(value: float | None) -> str:
    return "other vector" if value is None else f"{value:.4f}"


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
