"""The report of `icd-cascade mrl` as Markdown, from the figures that go into its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from model.nested import PREFIXES

Figures = Mapping[str, Any]
WIDTHS = tuple(str(d) for d in PREFIXES)
PARTS = ("nearest", "linear", "questions", "weightings", "adaptive", "retrieval")  # of a study on wordings


def render(report: Figures) -> str:
    """The whole report; parts that were not measured are left out."""
    parts = ["# Nested vectors: what each prefix knows", _heading(report)]
    if study := report.get("study"):
        parts += [_sample(study), *_accuracies(study)]
        parts += [*_questions(study)] if "questions" in study else []
        parts += [_weightings(study)] if "weightings" in study else []
        parts += [_adaptive(one) for one in study.get("adaptive", ())]
        parts += [_retrieval(name, one) for name, one in study.get("retrieval", {}).items()]
    if points := report.get("operating_points"):
        parts.append(_points(points, report["parameters"]))
    return "\n\n".join(parts) + "\n"


def _heading(report: Figures) -> str:
    return "Made with " + ", ".join(f"{name} {value}" for name, value in report["versions"].items()) + "."


def _sample(study: Figures) -> str:
    sample, options = study["sample"], study["parameters"]
    return (
        f"{sample['forms']} wordings of {sample['code_labels']} codes, {sample['category_labels']} whole categories "
        f"and {sample['chapter_labels']} chapters; {sample['asked']} wordings are asked, {sample['held_out']} tune "
        f"thresholds, {sample['known']} are known. Seeds {', '.join(map(str, options['seeds']))}; projections "
        f"{options['steps']} steps, heads {options['epochs']} epochs."
    )


def _accuracies(study: Figures) -> Iterable[str]:
    for title, name in (("1-NN accuracy", "nearest"), ("Accuracy of linear heads", "linear")):
        for level in ("chapter", "category", "code"):
            rows = [[method, *_widths(found[level])] for method, found in study.get(name, {}).items()]
            if not rows:
                continue
            yield f"## {title}: {level}\n\n" + table(("vectors", *WIDTHS), rows)


def _questions(study: Figures) -> Iterable[str]:
    yield "## Two questions"
    for question, found in study["questions"].items():
        names = sorted({name for one in found.values() for name in one["recall"]})
        shown = names if len(names) <= 10 else []
        rows = [["all asked", *(_number(found[d]["accuracy"]) for d in WIDTHS)]]
        rows += [[name, *(_number(found[d]["recall"].get(name)) for d in WIDTHS)] for name in shown]
        asked = found[WIDTHS[0]]["asked"]
        yield f"{question.capitalize()}, 1-NN, each of {asked} wordings among all others:\n\n" + table(
            ("", *WIDTHS), rows
        )


def _weightings(study: Figures) -> str:
    parts = ["## Weightings: projections over frozen states, 1-NN accuracy, mean and standard deviation over seeds"]
    for level in ("category", "code"):
        rows = [
            [name, *(f"{found[level][d]['mean']:.3f} ± {found[level][d]['sd']:.3f}" for d in WIDTHS)]
            for name, found in study["weightings"].items()
        ]
        parts.append(table((level, *WIDTHS), rows))
    return "\n\n".join(parts)


def _adaptive(found: Figures) -> str:
    rows = [[f"all at {d}", _number(value), d] for d, value in found["alone"].items()]
    rows += [
        [f"adaptive, may lose {p['lost']:.1%}", _number(p["accuracy"]), f"{p['expected_dimension']:.1f}"]
        for p in found["curve"]
    ]
    title = f"## Adaptive classification: {found['level']}, thresholds learned on held-out wordings"
    return title + "\n\n" + table(("", "accuracy", "expected dimension"), rows)


def _retrieval(name: str, found: Figures) -> str:
    k = found["k"]
    columns = ("top-1", f"mAP@{k}", f"P@{k}", f"R@{k}", "agreement with exact", "MFLOP/query", "ms/query")
    rows = [[method, *(_number(one[column]) for column in columns)] for method, one in found["methods"].items()]
    title = f"## Retrieval, {name}: {found['queries']} queries over {found['database']} wordings"
    return title + "\n\n" + table(("search", *columns), rows)


def _points(points: Figures, parameters: Figures) -> str:
    quality = ("MAP", "P@5", "R@5", "R@20", "R@200", "category_MAP")
    rows = [
        [
            keep,
            *(f"{one[size] / 1e6:.1f}" for size in ("vectors_bytes", "search_bytes", "files_bytes")),
            f"{one['seconds']['mean']:.3f}",
            f"{one['seconds']['p95']:.3f}",
            f"{one['search_ms']:.1f}",
            *(_number(one[name]) for name in quality),
        ]
        for keep, one in points.items()
    ]
    header = ("kept", "vectors MB", "search MB", "files MB", "s/note", "p95", "search ms", *quality)
    title = f"## Operating points: {parameters['corpus']}/{parameters['split']}, top_k {parameters['top_k']}"
    limit = f", first {parameters['limit']} notes" if parameters["limit"] else ""
    return title + limit + "\n\n" + table(header, rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, the first column left, the others right."""
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _widths(found: Mapping[str, float]) -> list[str]:
    return [_number(found.get(d)) for d in WIDTHS]


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"
