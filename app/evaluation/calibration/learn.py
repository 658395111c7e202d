"""Coded notes -> a calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app.evaluation.calibration.last_stage import Examples, TreeSize, choose_kind, fit, thresholds
from app.evaluation.calibration.prior import frequency
from app.evaluation.corpora import CodedNote, count_codes
from app.pipeline.calibration import ATTENTION, Calibration, Thresholds
from app.pipeline.carried import NEUTRAL
from app.pipeline.features import FEATURES, Shortlist
from app.pipeline.note import CodingOptions
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.threads import limit_search_threads
from model.attention.label_attention import LabelAttention
from model.cpu import cores
from model.last_stage import Curve, Doubles, LastStage, Linear
from model.metrics.calibration import expected_calibration_error, reliability

Progress = Callable[[str, int, int], None]
CORPUS_BOUND = ("frequency",)  # features that know a corpus's habits


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a calibration is learned.

    with_frequency: whether codes that the notes' coders use often are preferred
    search_weight:  of prior and frequency when candidates are chosen, in units of cosine
    usage_weight:   of a tier of how ordinary a code is, likewise
    size:           of the trees, where there are any
    kind:           trees, linear, or best (of both, by log loss on notes left out)
    depth:          top_k of the shortlists: 200 gives 600 codes a note
    candidates:     least probability of a candidate
    left_out:       features that are not read, for ablations
    combine:        whether combination codes take the place of their parts
    offsets:        what features that these notes cannot teach add to the logit (docs/decisions/0016)
    """

    name: str
    with_frequency: bool
    search_weight: float = 0.03
    usage_weight: float = 0.0
    kind: str = "best"
    size: TreeSize = TreeSize()
    depth: int = 200
    folds: int = 5
    seed: int = 0
    candidates: float = 0.02
    left_out: tuple[str, ...] = ()
    combine: bool = True
    offsets: Mapping[str, float] = field(default_factory=dict)


def learn(
    pipeline: CodingPipeline,
    notes: Sequence[CodedNote],
    counted: Sequence[CodedNote],
    prior: Mapping[str, float],
    recipe: Recipe,
    progress: Progress,
    weights: Sequence[float] = (),
    attention: tuple[LabelAttention, str] | None = None,
) -> Calibration:
    """Learn on `notes`; code frequencies are counted over `counted`, without the notes of the fold at work.

    weights: how much each note counts, all the same by default
    attention: a label attention that was not trained on `notes`, and its version; None = the feature is not read

    Notes must not have trained the encoder, or its scores on them promise too much. Raises ValueError when there are
    fewer notes than folds, or no gold code was ever shortlisted.
    """
    if len(notes) < recipe.folds:
        raise ValueError(f"{len(notes)} coded notes, at least {recipe.folds} are needed")
    planted, version = attention if attention and ATTENTION not in recipe.left_out else (None, "")
    seeds = {
        name: replace(seed, planted=planted) for name, seed in _seeds(pipeline, notes, counted, prior, recipe).items()
    }
    examples = collect(pipeline.with_calibrations(seeds), notes, list(seeds), recipe, progress)
    if weights:
        examples = replace(examples, weights=np.array(weights, dtype=np.float64))
    if not examples.labels.any():
        raise ValueError("no code of these notes was found by the search: are they of the loaded code set?")
    unread = {*recipe.left_out, *(() if recipe.with_frequency else CORPUS_BOUND), *(() if planted else (ATTENTION,))}
    columns = tuple(name for name in FEATURES if name not in unread)
    chosen = replace(examples, rows=examples.rows[:, [FEATURES.index(name) for name in columns]])
    kind = choose_kind(chosen, recipe.folds, recipe.seed) if recipe.kind == "best" else recipe.kind
    offsets = np.array([recipe.offsets.get(name, 0.0) for name in columns])
    stage, crossed = fit(chosen, kind=kind, folds=recipe.folds, seed=recipe.seed, offsets=offsets, size=recipe.size)
    own = frequency(count_codes(counted), len(counted)) if recipe.with_frequency else {"": 0.0}
    return Calibration(
        name=recipe.name,
        model=pipeline.versions.model,
        features=columns,
        last_stage=stage,
        thresholds=_thresholds(crossed, chosen, notes, recipe),
        search_weight=recipe.search_weight,
        usage_weight=recipe.usage_weight,
        prior=dict(prior),
        frequency=own,
        learned={
            "code_set": pipeline.catalog.name,
            **_account(chosen, crossed, kind, notes, counted, recipe),
            **({NEUTRAL: _neutral(examples)} if planted else {}),
        },
        combine=recipe.combine,
        attention=version,
        planted=planted,
    )


def _neutral(examples: Examples) -> float:
    """The attention's logit half way between gold codes and others: where it speaks neither for nor against."""
    logits = examples.rows[:, FEATURES.index(ATTENTION)]
    return round(float(np.median(logits[examples.labels]) + np.median(logits[~examples.labels])) / 2, 4)


def _thresholds(crossed: Doubles, examples: Examples, notes: Sequence[CodedNote], recipe: Recipe) -> Thresholds:
    """Those of notes coded as billed alone where there are any: shortlists and gold are like those of requests."""
    served = np.array([coded.billed for coded in notes], dtype=np.bool_)
    if not served.any():
        return thresholds(crossed, examples, recipe.candidates)
    kept = served[examples.notes]
    only = replace(
        examples,
        rows=examples.rows[kept],
        labels=examples.labels[kept],
        notes=examples.notes[kept],
        gold=np.where(served, examples.gold, 0),
    )
    return thresholds(crossed[kept], only, recipe.candidates)


def collect(
    pipeline: CodingPipeline, notes: Sequence[CodedNote], names: Sequence[str], recipe: Recipe, progress: Progress
) -> Examples:
    """The shortlists of the notes with their labels; note i is searched with calibration names[i % len(names)]."""
    codes = pipeline.catalog.code_names
    rows, labels, owners = [], [], []

    def read(number: int) -> Shortlist:
        coded = notes[number]
        options = CodingOptions(
            top_k=CodingOptions().top_k if coded.billed else recipe.depth,  # what is billed is read as requests are
            billable_only=coded.billed,
            assertion="annotate",
            calibration=names[number % len(names)],
        )
        return pipeline.shortlist(coded.note, options)

    with ThreadPoolExecutor(cores(), initializer=limit_search_threads) as pool:
        for number, (coded, found) in enumerate(zip(notes, pool.map(read, range(len(notes))), strict=True)):
            counted = [row for row, p in enumerate(found.positions.tolist()) if codes[p] not in coded.uncounted]
            rows.append(found.columns[counted])
            labels.append([codes[p] in coded.gold for p in found.positions[counted].tolist()])
            owners.append(np.full(len(counted), number, dtype=np.int64))
            progress("reading notes", number + 1, len(notes))
    return Examples(
        rows=np.concatenate(rows),
        labels=np.concatenate([np.asarray(one, dtype=np.bool_) for one in labels]),
        notes=np.concatenate(owners),
        gold=np.array([len(coded.gold) for coded in notes], dtype=np.int64),
        weights=np.ones(len(notes)),
    )


def _seeds(
    pipeline: CodingPipeline,
    notes: Sequence[CodedNote],
    counted: Sequence[CodedNote],
    prior: Mapping[str, float],
    recipe: Recipe,
) -> dict[str, Calibration]:
    """One calibration per fold that chooses candidates with the frequencies of the other folds."""
    seeds = {}
    for fold in range(recipe.folds):
        held = {coded.id for coded in notes[fold :: recipe.folds]}
        others = [coded for coded in counted if coded.id not in held]
        own = frequency(count_codes(others), len(others)) if recipe.with_frequency else {"": 0.0}
        seeds[f"fold {fold}"] = _seed(f"fold {fold}", pipeline.versions.model, recipe, prior, own)
    return seeds


def _seed(
    name: str, model: str, recipe: Recipe, prior: Mapping[str, float], frequencies: Mapping[str, float]
) -> Calibration:
    one = np.ones(1)
    stage = LastStage(Linear(0 * one, one, one, 0.0), Curve(np.array([-1.0, 1.0]), np.array([0.0, 1.0])), 0 * one)
    nothing = Thresholds(0.0, 0.0, 0.0, 0.0)
    seed = Calibration(name, model, ("words_cosine",), stage, nothing, recipe.search_weight, prior, frequencies)
    return replace(seed, usage_weight=recipe.usage_weight)


def _account(
    examples: Examples,
    crossed: np.ndarray,
    kind: str,
    notes: Sequence[CodedNote],
    counted: Sequence[CodedNote],
    recipe: Recipe,
) -> dict[str, Any]:
    """What the artifact says of its making. The error is over codes that would be returned, on notes left out."""
    returned = crossed >= recipe.candidates
    return {
        "notes": len(notes),
        "counted_notes": len(counted) if recipe.with_frequency else 0,
        "shortlisted": int(len(examples.rows)),
        "gold": int(examples.gold.sum()),
        "gold_shortlisted": int(examples.labels.sum()),
        "kind": kind,
        "folds": recipe.folds,
        "seed": recipe.seed,
        "cross_fitted_ece": round(
            float(expected_calibration_error(reliability(crossed[returned], examples.labels[returned]))), 4
        ),
        "left_out": list(recipe.left_out),
        "offsets": dict(recipe.offsets),
    }
