"""What planting is worth: the same attention planted and not, beside plain linking, on growing shares of the notes.

planted:   the three attentions, the ranker trained on mutual information first
unplanted: the same network without mutual information: no static attention, the ranker as it starts
laat:      the learned attention alone (LAAT, Vu et al. 2020), the same maps and budget
linking:   the search's own score; no attention, no training
fused:     planted and linking, each standardised over a note's candidates, added

Every system ranks the same candidates of the search. Frequency buckets count the whole training split, at every share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from app.evaluation.run import Progress
from model.attention.config import ATTENTIONS, AttentionConfig
from model.metrics import ranking
from model.metrics.significance import approximate_randomization
from model.nested import Floats
from model.training.planting.notes import LabelPool, TrainingNote
from model.training.planting.trainer import PlantOptions, Trained, candidate_logits, plant

Figures = dict[str, Any]
Values = ranking.Values
Scores = Callable[[TrainingNote], Floats]

CURVES = ("planted", "unplanted", "laat")
PARTS = ("learned", "static", "differentiable", "inattention", "boost", "bias")
MORE_EPOCHS = 2  # a small share is read this much more often at most: it has fewer updates in an epoch
LOSS_NOTES = 60  # dev notes whose loss is followed from epoch to epoch
COMPARED = (("planted", "laat"), ("planted", "unplanted"), ("planted", "linking"), ("fused", "linking"))


@dataclass(frozen=True, slots=True)
class Plan:
    """Which seeds and shares of the training notes, and whether each part is left out once."""

    seeds: tuple[int, ...] = (0, 1, 2)
    shares: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    ablation: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """One system on the dev notes. figures: averages; by_note: per metric one value a note, NaN without gold."""

    figures: Figures
    by_note: dict[str, Values]


class Bench:
    """The dev notes and how a ranking of their candidates is measured."""

    def __init__(self, dev: Sequence[TrainingNote], training: Mapping[str, int]) -> None:
        self._dev, self._training = dev, training
        self._gold = [note.gold for note in dev]

    def measure(self, scores: Scores) -> Measured:
        """Rank every note's candidates by falling score; of equal scores the search's order stays."""
        rankings = [
            [note.codes[at] for at in np.argsort(-scores(note), kind="stable").tolist()] if note.candidates else []
            for note in self._dev
        ]
        judged = ranking.judge(rankings, self._gold)
        by_note = {"MAP": ranking.average_precisions(judged), "R@20": ranking.recalls_at(judged, 20)}
        for name, one in ranking.by_frequency(rankings, self._gold, self._training).items():
            by_note[f"MAP, codes seen {name}"] = ranking.average_precisions(one)
            by_note[f"R@20, codes seen {name}"] = ranking.recalls_at(one, 20)
        return Measured({name: ranking.mean(values) for name, values in by_note.items()}, by_note)


def gather(
    notes: Sequence[TrainingNote],
    dev: Sequence[TrainingNote],
    pool: LabelPool,
    config: AttentionConfig,
    options: PlantOptions,
    plan: Plan,
    report: Progress,
) -> Figures:
    """Every run of the plan, measured. The same notes and plan give the same figures."""
    training = Counter(code for note in notes for code in note.gold)
    bench, linking = Bench(dev, training), _linking(dev, training)
    curves, tests, ablation = [], [], []
    total = len(plan.shares) * len(CURVES) * len(plan.seeds) + len(PARTS) * len(plan.seeds) * plan.ablation
    done = 0

    def train(variant: tuple[AttentionConfig, PlantOptions], share: float) -> list[Trained]:
        nonlocal done
        runs = []
        for seed in plan.seeds:
            order = np.random.default_rng(seed).permutation(len(notes))[: max(1, round(share * len(notes)))]
            chosen = [notes[at] for at in sorted(order.tolist())]
            budget = replace(variant[1], seed=seed, epochs=round(options.epochs * min(1 / share, MORE_EPOCHS)))
            runs.append(plant(chosen, pool, variant[0], budget, dev=dev[:LOSS_NOTES]))
            done += 1
            report("training attentions", done, total)
        return runs

    planted: list[Measured] = []
    for share in plan.shares:
        systems: dict[str, list[Measured]] = {"linking": [linking]}
        for name in CURVES:
            trained = train(variant(name, config, options), share)
            systems[name] = [bench.measure(_attention(one)) for one in trained]
            curves.append(_row(systems[name], trained) | {"share": share, "system": name})
            if name == "planted":
                systems["fused"] = [bench.measure(_fused(one)) for one in trained]
                curves.append(_row(systems["fused"], []) | {"share": share, "system": "fused"})
        tests += [row | {"share": share} for row in _tests(systems)]
        planted = systems["planted"]
    for part in PARTS if plan.ablation else ():
        measured = [bench.measure(_attention(one)) for one in train(without(part, config, options), plan.shares[-1])]
        ablation.append(_row(measured, []) | {"without": part} | _test(planted, measured, "MAP"))
    return {
        "parameters": {"config": asdict(config), "options": asdict(options), "plan": asdict(plan)},
        "notes": {"train": len(notes), "dev": len(dev), "candidates": CANDIDATES_NOTE},
        "recall_of_candidates": _reachable(dev),
        "linking": linking.figures,
        "curves": curves,
        "tests": tests,
        "ablation": ablation,
    }


CANDIDATES_NOTE = "the codes of search64, each family by its best; gold that is not among them counts as missed"


def variant(name: str, config: AttentionConfig, options: PlantOptions) -> tuple[AttentionConfig, PlantOptions]:
    """The configuration and options of a system of the curves."""
    if name == "laat":
        return replace(config, attentions=("learned",)), replace(options, planted=False)
    if name == "unplanted":
        return replace(config, attentions=("learned", "differentiable")), replace(options, planted=False)
    return config, options


def without(part: str, config: AttentionConfig, options: PlantOptions) -> tuple[AttentionConfig, PlantOptions]:
    """The planted system with one part left out. Raises ValueError for an unknown part."""
    if part in ATTENTIONS:
        return replace(config, attentions=tuple(name for name in config.attentions if name != part)), options
    if part == "inattention":
        return replace(config, learned_k=None, static_k=None, differentiable_k=None), options
    if part == "boost":
        return config, replace(options, boost=False)
    if part == "bias":
        return config, replace(options, bias_from=None)
    raise ValueError(f"no part is called {part}")


def _linking(dev: Sequence[TrainingNote], training: Mapping[str, int]) -> Measured:
    return Bench(dev, training).measure(lambda note: note.scores)


def _attention(trained: Trained) -> Scores:
    return lambda note: candidate_logits(trained.module, note)


def _fused(trained: Trained) -> Scores:
    return lambda note: _standard(candidate_logits(trained.module, note)) + _standard(note.scores)


def _standard(values: Floats) -> Floats:
    spread = values.std() if len(values) else 0.0
    return np.asarray((values - values.mean()) / spread if spread > 0 else np.zeros_like(values), dtype=np.float32)


def _row(measured: Sequence[Measured], trained: Sequence[Trained]) -> Figures:
    """Mean over seeds, the smallest and the largest, and the losses of every seed."""
    figures = {name: [one.figures[name] for one in measured] for name in measured[0].figures}
    return {
        "mean": {name: float(np.mean(values)) for name, values in figures.items()},
        "spread": {name: [float(np.min(values)), float(np.max(values))] for name, values in figures.items()},
        "losses": [one.epochs for one in trained],
        "ranker": [one.ranker for one in trained],
    }


def _tests(systems: Mapping[str, Sequence[Measured]]) -> list[Figures]:
    metrics = ("MAP", "R@20", "R@20, codes seen 0", "R@20, codes seen 1-7", "R@20, codes seen 8+")
    return [
        {"one": one, "other": other, "metric": metric} | _test(systems[one], systems[other], metric)
        for one, other in COMPARED
        for metric in metrics
    ]


def _test(one: Sequence[Measured], other: Sequence[Measured], metric: str) -> Figures:
    """Approximate randomization over notes; a note's value is its mean over seeds."""
    first, second = (np.mean([m.by_note[metric] for m in runs], axis=0) for runs in (one, other))
    if np.isnan(first).all():
        return {"difference": None, "p_value": None}
    found = approximate_randomization(first, second)
    return {"difference": found.difference, "p_value": found.p_value}


def _reachable(dev: Sequence[TrainingNote]) -> float:
    shares = [len(note.gold & set(note.codes[: note.candidates])) / len(note.gold) for note in dev if note.gold]
    return float(np.mean(shares)) if shares else float("nan")
