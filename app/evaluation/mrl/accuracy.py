"""What a prefix knows of a wording that it has not seen: chapter, category, code, by neighbour and by linear head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from app.evaluation.mrl.levels import LEVELS
from app.evaluation.mrl.representations import Representation
from app.evaluation.mrl.sample import Rows, Sample, spare_rows
from app.evaluation.run import Progress
from model.nested import PREFIXES, Floats
from model.retrieval.adaptive import search
from model.training.adaptive_classification import curve
from model.training.classifier_heads import Form, HeadOptions, NestedHeads, train_heads

Table = dict[str, dict[str, dict[str, float]]]  # method -> level -> prefix -> accuracy

MRL = "MRL (a head per prefix)"
MRL_E = "MRL-E (one tied head)"
SEPARATE_HEADS = "a head each"
LOST = (0.0, 0.005, 0.01, 0.02, 0.05)


def nearest(representations: Mapping[str, Representation], sample: Sample, progress: Progress) -> Table:
    """1-NN accuracy over the asked wordings: whether the nearest known wording has the same label."""
    table: Table = {}
    for done, (name, one) in enumerate(representations.items(), start=1):
        found = {d: _neighbours(one.at(d), sample, d) for d in one.prefixes}
        table[name] = {
            level: {str(d): float((labels[rows] == labels[sample.asked]).mean()) for d, rows in found.items()}
            for level, labels in sample.labels.items()
        }
        progress("nearest neighbours", done, len(representations))
    return table


def linear(
    representations: Mapping[str, Representation], mrl_e_of: str, sample: Sample, options: HeadOptions, tell: Progress
) -> Table:
    """Accuracy of linear heads trained on the known wordings. One representation is classified by a tied head too."""
    table: Table = {}
    wanted: list[tuple[str, Representation, Form]] = [
        (f"{name}: {MRL if one.nested is not None else SEPARATE_HEADS}", one, "mrl")
        for name, one in representations.items()
    ]
    wanted.append((f"{mrl_e_of}: {MRL_E}", representations[mrl_e_of], "mrl-e"))
    for done, (name, one, form) in enumerate(wanted, start=1):
        table[name] = {level: _linear(one, sample, level, form, options) for level in LEVELS}
        tell("linear heads", done, len(wanted))
    return table


def adaptive(vectors: Floats, sample: Sample, level: str, options: HeadOptions) -> dict[str, Any]:
    """Accuracy against expected dimension, thresholds learned on the held-out wordings, measured on the asked ones."""
    heads = _trained(Representation(vectors), sample, level, "mrl", options)
    labels = sample.labels[level]
    known = _familiar(sample, level)
    held_out, asked = (rows[known[rows]] for rows in (sample.held_out, sample.asked))
    points = curve(heads, (vectors[held_out], labels[held_out]), (vectors[asked], labels[asked]), LOST)
    alone = {str(d): float((heads.predict(vectors[asked], d) == labels[asked]).mean()) for d in heads.prefixes}
    return {
        "level": level,
        "alone": alone,
        "curve": [{"lost": p.lost, "accuracy": p.accuracy, "expected_dimension": p.expected_dimension} for p in points],
    }


def confusion(vectors: Floats, sample: Sample, level: str) -> dict[str, dict[str, Any]]:
    """Leave-one-out 1-NN at every prefix: accuracy over all wordings but titles, and each label's recall."""
    labels, names = sample.labels[level], sample.names[level]
    asked = np.array(spare_rows(sample.forms), dtype=np.int64)
    found: dict[str, dict[str, Any]] = {}
    for d in PREFIXES:
        near = search(vectors[asked], vectors, d, 2).rows
        other = np.where(near[:, 0] == asked, near[:, 1], near[:, 0])  # the wording itself is not its neighbour
        taken, meant = labels[other], labels[asked]
        counts = np.zeros((len(names), len(names)), dtype=np.int64)
        np.add.at(counts, (meant, taken), 1)
        recalls = {name: _share(counts[i, i], counts[i].sum()) for i, name in enumerate(names) if counts[i].sum()}
        found[str(d)] = {"accuracy": float((taken == meant).mean()), "asked": len(meant), "recall": recalls}
    return found


def _share(part: int, whole: int) -> float:
    return float(part / whole)


def _neighbours(vectors: Floats, sample: Sample, dimensions: int) -> Rows:
    """The nearest known wording of each asked one, as rows of the sample."""
    found = search(vectors[sample.asked], vectors[sample.known], dimensions, 1)
    return sample.known[found.rows[:, 0]]


def _linear(one: Representation, sample: Sample, level: str, form: Form, options: HeadOptions) -> dict[str, float]:
    labels = sample.labels[level]
    if one.nested is None:
        parts = {d: Representation(separate={d: one.separate[d]}) for d in one.prefixes}
        heads = {d: _trained(part, sample, level, form, options) for d, part in parts.items()}
    else:
        heads = dict.fromkeys(one.prefixes, _trained(one, sample, level, form, options))
    return {
        str(d): float((head.predict(_source(one, d)[sample.asked], d) == labels[sample.asked]).mean())
        for d, head in heads.items()
    }


def _source(one: Representation, dimensions: int) -> Floats:
    return one.separate[dimensions] if one.nested is None else one.nested


def _trained(one: Representation, sample: Sample, level: str, form: Form, options: HeadOptions) -> NestedHeads:
    prefixes: Sequence[int] = one.prefixes
    vectors, labels = _source(one, max(prefixes)), sample.labels[level]
    classes = len(sample.names[level])
    return train_heads(vectors[sample.known], labels[sample.known], prefixes, classes, form=form, options=options)


def _familiar(sample: Sample, level: str) -> npt.NDArray[np.bool_]:
    """(F,) bool: whether a known wording has the label, so that a head can know it at all."""
    seen = np.zeros(len(sample.names[level]), dtype=np.bool_)
    seen[sample.labels[level][sample.known]] = True
    return seen[sample.labels[level]]
