"""Adaptive classification: stop at the first prefix that is sure (Kusupati et al. 2022, section 4.2.1).

The confidence of a prefix is the largest softmax probability of its head. Thresholds are learned on held-out rows;
the cost of a row is the number of dimensions that were read for it, so the mean cost is the expected dimension.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.nested import Floats
from model.retrieval.thresholds import Values, exits, learn_thresholds
from model.training.classifier_heads import Labels, NestedHeads


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Heads with a threshold for each prefix but the widest."""

    heads: NestedHeads
    thresholds: tuple[float, ...]

    def classify(self, vectors: Floats) -> tuple[Labels, Labels]:
        """The class of each row and the dimensions read for it: (N,), (N,)."""
        confidence, classes = _read(self.heads, vectors)
        taken = exits(confidence[:, :-1], self.thresholds)
        return classes[np.arange(len(classes)), taken], np.asarray(self.heads.prefixes, dtype=np.int64)[taken]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the curve of accuracy against expected dimension, on rows that no threshold has seen."""

    lost: float
    thresholds: tuple[float, ...]
    accuracy: float
    expected_dimension: float


def learn(heads: NestedHeads, vectors: Floats, labels: Labels, lost: float = 0.0) -> Adaptive:
    """Thresholds with the least expected dimension that lose at most `lost` of the widest head's accuracy.

    vectors (N, D) and labels (N,) are held out: the heads have not been trained on them.
    """
    confidence, classes = _read(heads, vectors)
    right = (classes == labels[:, None]).astype(np.float64)
    costs = np.asarray(heads.prefixes, dtype=np.float64)
    target = float(right[:, -1].mean()) - lost
    return Adaptive(heads, learn_thresholds(confidence[:, :-1], right, costs, target).thresholds)


def curve(
    heads: NestedHeads, held_out: tuple[Floats, Labels], test: tuple[Floats, Labels], losses: tuple[float, ...]
) -> list[Point]:
    """Thresholds learned on held-out rows for each accepted loss of accuracy, measured on test rows."""
    points = []
    for lost in losses:
        adaptive = learn(heads, *held_out, lost=lost)
        classes, dimensions = adaptive.classify(test[0])
        accuracy = float((classes == test[1]).mean())
        points.append(Point(lost, adaptive.thresholds, accuracy, float(dimensions.mean())))
    return points


def _read(heads: NestedHeads, vectors: Floats) -> tuple[Values, Labels]:
    """Confidence and class of every row at every prefix: (N, P), (N, P)."""
    confidence = np.empty((len(vectors), len(heads.prefixes)))
    classes = np.empty((len(vectors), len(heads.prefixes)), dtype=np.int64)
    for column, prefix in enumerate(heads.prefixes):
        probabilities = heads.probabilities(vectors, prefix)
        confidence[:, column], classes[:, column] = probabilities.max(axis=1), probabilities.argmax(axis=1)
    return confidence, classes
