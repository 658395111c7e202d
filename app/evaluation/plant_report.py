"""The evidence for planting as JSON, and as the Markdown a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.evaluation import report

Report = Mapping[str, Any]
METRICS = ("MAP", "R@20", "R@20, codes seen 0", "R@20, codes seen 1-7", "R@20, codes seen 8+")
LEVEL = 0.05  # p-values below it are called a difference


def write(found: Report, path: Path) -> None:
    """Write the JSON to `path` and the Markdown beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report.write(found, path)
    path.with_suffix(".md").write_text(render(found), encoding="utf-8")


def render(found: Report) -> str:
    """The whole report as Markdown."""
    corpus, notes, plan = found["corpus"], found["notes"], found["parameters"]["plan"]
    head = (
        f"# Planting\n\n{corpus['name']}: {notes['train']} notes of {corpus['train']} to train on, {notes['dev']} of "
        f"{corpus['dev']} to measure on; nothing was chosen by the latter. Seeds {list(plan['seeds'])}; figures are "
        f"means over them. Candidates: {notes['candidates']}. Recall of the candidates: "
        f"{_number(found['recall_of_candidates'])}, the most that any ranking of them can reach.\n"
    )
    parts = [head, _verdict(found), _curves(found), _tests(found), _losses(found)]
    if found["ablation"]:
        parts.append(_ablation(found))
    return "\n".join(parts)


def verdict(found: Report) -> list[str]:
    """What the tests say at the largest share, one sentence each, for better or worse."""
    last = found["tests"][-1]["share"] if found["tests"] else None
    return [_sentence(test) for test in found["tests"] if test["share"] == last and test["difference"] is not None]


def _sentence(test: Report) -> str:
    one, other, metric = test["one"], test["other"], test["metric"]
    if test["p_value"] >= LEVEL:
        said = "no difference is shown between"
        return f"{metric}: {said} {one} and {other} ({test['difference']:+.3f}, p {test['p_value']:.3f})"
    said = "beats" if test["difference"] > 0 else "LOSES TO"
    return f"{metric}: {one} {said} {other} ({test['difference']:+.3f}, p {test['p_value']:.3f})"


def _verdict(found: Report) -> str:
    return "## Verdict, all training notes\n\n" + "\n".join(f"* {sentence}" for sentence in verdict(found)) + "\n"


def _curves(found: Report) -> str:
    rows = [["linking", "none", *(_number(found["linking"][name]) for name in METRICS)]]
    rows += [
        [row["system"], f"{row['share']:g}", *(_spread(row, name) for name in METRICS)]
        for row in sorted(found["curves"], key=lambda row: (row["share"], row["system"]))
    ]
    return "## Quality by share of the training notes\n\n" + _table(("system", "share", *METRICS), rows)


def _tests(found: Report) -> str:
    rows = [
        [t["one"], t["other"], f"{t['share']:g}", t["metric"], f"{t['difference']:+.4f}", f"{t['p_value']:.4f}"]
        for t in found["tests"]
        if t["difference"] is not None
    ]
    names = ("one", "other", "share", "metric", "difference", "p")
    return "## Approximate randomization, by note, means over seeds\n\n" + _table(names, rows)


def _losses(found: Report) -> str:
    """Train and dev loss of every epoch: where they part, the attention learns the notes by heart."""
    rows = []
    for row in sorted(found["curves"], key=lambda row: (row["share"], row["system"])):
        if row["losses"]:
            epochs = zip(*row["losses"], strict=True)
            pairs = [f"{_mean(runs, 'train_loss')} / {_mean(runs, 'dev_loss')}" for runs in epochs]
            rows.append([row["system"], f"{row['share']:g}", " ".join(f"{pair};" for pair in pairs).rstrip(";")])
    return "## Train / dev loss by epoch\n\n" + _table(("system", "share", "epochs 1, 2, ..."), rows)


def _ablation(found: Report) -> str:
    rows = [
        [f"without {row['without']}", *(_spread(row, name) for name in METRICS), f"{row['difference']:+.4f}",
         f"{row['p_value']:.4f}"]
        for row in found["ablation"]
    ]  # fmt: skip
    names = ("system", *METRICS, "MAP lost", "p")
    return "## Each part left out of the planted attention, all training notes\n\n" + _table(names, rows)


def _spread(row: Report, name: str) -> str:
    low, high = row["spread"][name]
    return f"{_number(row['mean'][name])} ({_number(low)}-{_number(high)})" if low != high else _number(low)


def _mean(runs: Sequence[Mapping[str, float]], name: str) -> str:
    return _number(sum(run[name] for run in runs) / len(runs))


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
