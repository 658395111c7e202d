"""The report of an evaluation: one JSON document, and the sheets a person reads, on a terminal or as Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.evaluation import evidence_report, sheets
from app.evaluation.sheets import Part, Sheet

Report = sheets.Report


def write(report: Report, path: Path) -> None:
    """Write the report as JSON. What could not be computed (NaN) becomes null."""
    path.write_text(json.dumps(_finite(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def render(report: Report) -> RenderableType:
    """A report as a terminal shows it."""
    return Group(*(Text(f"{part}\n") if isinstance(part, str) else _table(part) for part in parts_of(report)))


def markdown(report: Report) -> str:
    """A report as Markdown, without a heading of its own."""
    return "\n\n".join(part if isinstance(part, str) else _markdown(part) for part in parts_of(report))


def parts_of(report: Report) -> list[Part]:
    """The sheets and lines of a report, of notes, of the term task or of their evidence alone."""
    if "evidence_ways" in report:
        return evidence_report.parts(report)
    if "terms" in report:
        return [_terms(report), _term_sources(report)]
    parts: list[Part] = [_heading(report), _ranking(report), _assignment(report), _stages(report)]
    if report["calibration"] is not None:
        parts.append(_calibration(report))
    if report["forbidden"] is not None:
        listed = ", ".join(f"{len(codes)} in {name}" for name, codes in report["forbidden"].items())
        parts.append(f"Forbidden codes: {listed}")
    if report["buckets"] is not None:
        parts.append(_buckets(report))
    if report["exact"] is not None:
        parts += [_prefixes(report["exact"]), _cascades(report["exact"])]
    return parts


def _terms(report: Report) -> Sheet:
    found = report["terms"]
    title = (
        f"Term -> code: {found['queries']} terms of {found['held_out_categories']} categories, not in the index; "
        f"seed {found['seed']}"
    )
    columns = ("R@1", "R@10", "MAP", "R@1 strict", "R@10 strict", "MAP strict")
    rows = _named_rows(found["prefixes"], columns)
    alone = found["alone"]
    rows.append(["held-out codes alone", *(_number(alone.get(name)) for name in columns)])
    return _sheet(title, ("prefix", *columns), rows)


def _term_sources(report: Report) -> Sheet:
    columns = ("queries", "R@1", "R@10", "MAP")
    return _sheet(
        "The same at full width, by table", ("table", *columns), _named_rows(report["terms"]["sources"], columns)
    )


def _heading(report: Report) -> str:
    corpus, evidence, parameters = report["corpus"], report["evidence"], report["parameters"]
    seconds = report["seconds_per_note"]
    lines = [
        f"{parameters['corpus']}/{parameters['split']}, {corpus['notes']} notes, {corpus['gold']} gold codes "
        f"({corpus['distinct_gold']} distinct); {corpus['edition_codes']} codes as candidates",
        f"unreachable gold: {corpus['unreachable']} ({corpus['distinct_unreachable']} distinct codes that the edition "
        f"does not have), kept as gold",
        f"top_k {parameters['top_k']}, widths {parameters['widths']}, headers "
        f"{'left out' if parameters['billable_only'] else 'allowed'}, assertion {parameters['assertion']}; "
        + ", ".join(f"{name} {value}" for name, value in report["versions"].items()),
        f"{evidence['returned_codes']} codes returned, {evidence['share_without_evidence']:.1%} without evidence, "
        f"{evidence['wrong_offsets']} offsets that do not slice back",
        "seconds per note: " + ", ".join(f"{name} {_number(seconds[name])}" for name in ("mean", "p50", "p95")),
    ]
    return "\n".join(lines)


def _ranking(report: Report) -> Sheet:
    rows = [[name, _number(value)] for name, value in report["ranking"].items()]
    rows += [[f"{name}, first 3 characters", _number(report["category_match"][name])] for name in ("MAP", "R@20")]
    return _sheet("Final list", ("metric", "value"), rows)


def _assignment(report: Report) -> Sheet:
    found = report["assignment"]
    names = {
        "micro_f1": "micro F1",
        "micro_precision": "micro precision",
        "micro_recall": "micro recall",
        "macro_f1_caml": f"macro F1 (CAML, {found['labels']} labels)",
        "macro_f1_per_label": "macro F1 (per label present)",
        "predicted": "pairs predicted",
    }
    answered, best = found["as_answered"], found["best_threshold"]
    rows = [[label, _number(answered[name]), _number(best[name])] for name, label in names.items()]
    rows += [
        [label, _number(found[name]), ""] for name, label in (("micro_auc", "micro AUC"), ("macro_auc", "macro AUC"))
    ]
    chosen = f"best here ({found['threshold_on']} >= {_number(best['threshold'])})"
    return _sheet("Assignment (AUC: unranked codes tie at the bottom)", ("metric", "codes as answered", chosen), rows)


def _calibration(report: Report) -> Sheet:
    found = report["calibration"]
    rows = [
        [
            f"{one['lowest']:.2f} to {one['highest']:.2f}",
            str(one["count"]),
            _number(one["confidence"]),
            _number(one["accuracy"]),
        ]
        for one in found["curve"]
    ]
    title = f"Probabilities of {found['returned']} returned codes: ECE {_number(found['ECE'])}"
    return _sheet(title, ("probability", "codes", "mean", "right"), rows)


def _stages(report: Report) -> Sheet:
    names = ("codes", "recall", "R@20", "MAP")
    header = ("stage", "codes handed on", "recall of them", "R@20", "MAP")
    return _sheet("After each stage", header, _named_rows(report["stages"], names))


def _buckets(report: Report) -> Sheet:
    header = ("in training", "gold", "R@20", "MAP")
    return _sheet(
        "Gold by its frequency in training, whole ranking", header, _named_rows(report["buckets"], header[1:])
    )


def _prefixes(found: Report) -> Sheet:
    names = ("MAP", "R@20", "R@200")
    title = f"Exact search by one prefix, {found['notes']} notes"
    return _sheet(title, ("prefix", *names), _named_rows(found["prefixes"], names))


def _cascades(found: Report) -> Sheet:
    rows = [
        [
            f"{one['widths']}, top_k {one['top_k']}: {one['candidates']} -> {one['rescored']} -> {one['shortlist']}",
            _number(one["top20_agreement"]),
            _number(one["R@20"]),
            f"{one['R@20_change']:+.4f}",
        ]
        for one in found["cascades"]
    ]
    title = f"Cascade against exact 768-d search (R@20 {_number(found['exact768']['R@20'])}), {found['notes']} notes"
    return _sheet(title, ("widths", "top-20 agreement", "R@20", "change in R@20"), rows)


def _named_rows(figures: Mapping[str, Report], columns: Iterable[str]) -> list[list[str]]:
    names = tuple(columns)
    return [[row, *(_number(values[name]) for name in names)] for row, values in figures.items()]


def _sheet(title: str, header: Iterable[str], rows: Iterable[Sequence[str]]) -> Sheet:
    return Sheet(title, tuple(header), tuple(rows))


def _table(sheet: Sheet) -> Table:
    table = Table(title=sheet.title, title_justify="left", title_style="bold")
    for place, name in enumerate(sheet.header):
        table.add_column(name, justify="right" if place else "left")
    for row in sheet.rows:
        table.add_row(*row)
    return table


def _markdown(sheet: Sheet) -> str:
    rule = ["---", *["---:"] * (len(sheet.header) - 1)]
    lines = ["| " + " | ".join(row) + " |" for row in (sheet.header, rule, *sheet.rows)]
    return "\n".join([f"**{sheet.title}**", "", *lines])


def _number(value: float | int | None) -> str:
    if isinstance(value, int):
        return str(value)
    return "-" if value is None or not math.isfinite(value) else f"{value:.4f}"


def _finite(value: Any) -> Any:
    """The same structure with null where a float is not finite: JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
