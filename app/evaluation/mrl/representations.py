"""The vectors that are compared: the model's own, its SVD and random features, and projections trained for this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.evaluation.errors import EvaluationError
from app.evaluation.mrl.sample import Sample
from app.evaluation.run import Progress
from index_builder.codesets.protocol import SurfaceForm
from index_builder.embedding import BATCH_CHARACTERS, encode_pieces, fold_wordings, form_means
from model.encoder import Encoder
from model.nested import PREFIXES, WIDTH, Floats, normalise, prefix
from model.retrieval.baselines import RandomFeatures, fit_svd

MODEL = "model (MRL)"
SVD = "SVD of the model's 768"
PCA = "SVD, centred"
RANDOM = "random features of the model's 768"
PROJECTED = "projection, MRL"
FULL_ONLY = "projection, 768 alone"
SEPARATE = "projections, one per width"
FULL_SVD = "SVD of 768 alone"
FULL_RANDOM = "random features of 768 alone"
CHECKPOINTS = "checkpoints, one per width"


@dataclass(frozen=True, slots=True)
class Representation:
    """Vectors of all F wordings of a sample.

    nested:   (F, D), every prefix of which is a vector, or None
    separate: vectors of one width each, where every width is a model of its own
    """

    nested: Floats | None = None
    separate: Mapping[int, Floats] = field(default_factory=dict)

    @property
    def prefixes(self) -> tuple[int, ...]:
        """The widths that it has."""
        return PREFIXES if self.nested is not None else tuple(sorted(self.separate))

    def at(self, dimensions: int) -> Floats:
        """(F, dimensions) unit rows."""
        return prefix(self.separate[dimensions] if self.nested is None else self.nested, dimensions)


def of_model(vectors: Floats, sample: Sample, seed: int) -> dict[str, Representation]:
    """The model's own vectors (F, 768) and what SVD and random features make of them, fitted on known wordings."""
    return {MODEL: Representation(vectors)} | _fixed(vectors, sample, seed, {False: SVD, True: PCA}, RANDOM)


def of_full_width(vectors: Floats, sample: Sample, seed: int) -> dict[str, Representation]:
    """The paper's fixed-feature baselines: vectors trained at full width only, their SVD and random features."""
    return {FULL_ONLY: Representation(vectors)} | _fixed(vectors, sample, seed, {False: FULL_SVD}, FULL_RANDOM)


def _fixed(
    vectors: Floats, sample: Sample, seed: int, named: Mapping[bool, str], drawn: str
) -> dict[str, Representation]:
    known = vectors[sample.known]
    found = {name: Representation(fit_svd(known, centred=centred)(vectors)) for centred, name in named.items()}
    return found | {drawn: Representation(RandomFeatures(WIDTH, seed)(vectors))}


def projected(states: Floats, weight: Floats) -> Floats:
    """States (F, R) under a projection (D, R): (F, D) unit rows."""
    return normalise(np.asarray(states @ weight.T, dtype=np.float32))


def pooled_states(encoder: Encoder, forms: Sequence[SurfaceForm], cache: Path, progress: Progress) -> Floats:
    """Mean token state of each wording before projection, (F, R); encoded once and then read from `cache`."""
    wordings = fold_wordings(forms)
    pieces = encode_pieces(encoder, wordings.pieces, cache / wordings.key(encoder, BATCH_CHARACTERS), progress)
    return form_means(wordings, pieces, 0, len(forms))


def of_checkpoints(
    encoders: Mapping[int, Encoder], forms: Sequence[SurfaceForm], cache: Path, progress: Progress
) -> dict[str, Representation]:
    """Vectors of encoders that were each trained for one prefix. Raises EvaluationError for an unknown width."""
    unknown = sorted(encoders.keys() - set(PREFIXES))
    if unknown:
        raise EvaluationError(f"a checkpoint for {unknown[0]} dimensions; {PREFIXES} are compared")
    found = {d: prefix(e.project(pooled_states(e, forms, cache, progress)), d) for d, e in sorted(encoders.items())}
    return {CHECKPOINTS: Representation(separate=found)} if found else {}
