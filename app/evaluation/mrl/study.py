"""All of the report's figures on wordings, in one go: plain dictionaries that go into the JSON as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.evaluation.mrl import ablation, accuracy, retrieval
from app.evaluation.mrl import representations as vectors_of
from app.evaluation.mrl.levels import chapter
from app.evaluation.mrl.report import PARTS
from app.evaluation.mrl.representations import MODEL, PROJECTED, SEPARATE, Representation
from app.evaluation.mrl.sample import Sample, draw, select
from app.evaluation.run import Progress
from app.evaluation.terms import read_forms
from index_builder.index import CodeIndex
from model.encoder import Encoder
from model.nested import PREFIXES, WIDTH, Floats
from model.training.classifier_heads import HeadOptions
from model.training.projection import ProjectionOptions

PNEUMONIA = tuple(f"J{number}" for number in range(12, 19))
TOLD_APART = ("respiratory", "circulatory")


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """How much is drawn and trained. `seeds` are those of the ablation; the first is used everywhere else.

    parts: some of PARTS; what is not asked for is neither trained nor measured
    """

    forms: int = 8000
    queries: int = 500
    database: int = 60_000
    steps: int = 300
    epochs: int = 8
    seeds: tuple[int, ...] = (0, 1, 2)
    parts: tuple[str, ...] = PARTS


def study(
    index: CodeIndex,
    encoder: Encoder,
    separate: Mapping[int, Encoder],
    cache: Path,
    options: StudyOptions,
    tell: Progress,
) -> dict[str, Any]:
    """Accuracy by prefix and granularity, the two questions, weightings, adaptive classification, retrieval: the parts.

    index: with all 768 dimensions, built by `encoder`; separate: encoders trained for one prefix each. Raises
    EvaluationError where too little is drawn, ValueError for an index that keeps fewer dimensions.
    """
    if index.manifest.dimensions != WIDTH:
        raise ValueError(f"the index keeps {index.manifest.dimensions} dimensions, the study needs {WIDTH}")
    seed, heads = options.seeds[0], HeadOptions(epochs=options.epochs, seed=options.seeds[0])
    sample = draw(index.catalog, options.forms, seed)
    own = index.vectors(sample.rows)
    states = vectors_of.pooled_states(encoder, sample.forms, cache, tell)
    compared: dict[str, Representation] = {}
    if {"nearest", "linear"} & set(options.parts):
        compared = vectors_of.of_model(own, sample, seed) | _trained(states, sample, options, tell)
        compared |= vectors_of.of_checkpoints(separate, sample.forms, cache, tell)
    measured: dict[str, Callable[[], Any]] = {
        "nearest": lambda: accuracy.nearest(compared, sample, tell),
        "linear": lambda: accuracy.linear(compared, MODEL, sample, heads, tell),
        "questions": lambda: questions(index, seed),
        "weightings": lambda: ablation.weightings(states, sample, options.seeds, options.steps, tell),
        "adaptive": lambda: [accuracy.adaptive(own, sample, level, heads) for level in ("chapter", "category")],
        "retrieval": lambda: {
            "held-out wordings": retrieval.known_categories(own, sample, options.queries, tell),
            "held-out categories": retrieval.held_out_categories(
                read_forms(index.catalog), index.vectors, seed, options.queries, options.database, tell
            ),
        },
    }
    parameters = {"parameters": asdict(options), "sample": _sizes(sample)}
    return parameters | {part: measured[part]() for part in PARTS if part in options.parts}


def questions(index: CodeIndex, seed: int) -> dict[str, Any]:
    """Does 64-d tell respiratory from cardiovascular, and 768-d the pneumonias (J12-J18) from each other? By 1-NN."""
    forms = index.catalog.forms()
    lungs_and_heart = select(forms, lambda code: chapter(code) in TOLD_APART, seed)
    pneumonia = select(forms, lambda code: code[:3] in PNEUMONIA, seed)
    return {
        "respiratory or circulatory": accuracy.confusion(
            index.vectors(lungs_and_heart.rows), lungs_and_heart, "chapter"
        ),
        "which pneumonia category": accuracy.confusion(index.vectors(pneumonia.rows), pneumonia, "category"),
        "which pneumonia code": accuracy.confusion(index.vectors(pneumonia.rows), pneumonia, "code"),
    }


def _trained(states: Floats, sample: Sample, options: StudyOptions, tell: Progress) -> dict[str, Representation]:
    """One nested projection, and one for each width alone, all trained alike over the frozen states."""
    wanted: dict[tuple[int, ...], Floats] = {}
    for done, prefixes in enumerate([PREFIXES, *((d,) for d in PREFIXES)], start=1):
        run = ProjectionOptions(prefixes, steps=options.steps, seed=options.seeds[0])
        wanted[prefixes] = ablation.train(states, sample, run)
        tell("training projections", done, len(PREFIXES) + 1)
    alone = Representation(separate={d: wanted[(d,)] for d in PREFIXES})
    full = vectors_of.of_full_width(wanted[(WIDTH,)], sample, options.seeds[0])
    return {PROJECTED: Representation(wanted[PREFIXES]), SEPARATE: alone} | full


def _sizes(sample: Sample) -> dict[str, Any]:
    parts = {"known": sample.known, "held_out": sample.held_out, "asked": sample.asked}
    return {
        "forms": len(sample.rows),
        **{name: len(rows) for name, rows in parts.items()},
        **{f"{level}_labels": len(names) for level, names in sample.names.items()},
    }
