"""The attend stage's outcome: every shortlisted code with its score, its probability and the words it was read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.pipeline.attention import attention_logits
from app.pipeline.calibration import Calibration
from app.pipeline.cascade import Cascaded
from app.pipeline.crowding import crowded
from app.pipeline.encoding import EncodedNote
from app.pipeline.families import Families
from app.pipeline.features import Priors, features
from app.pipeline.usage import tiers
from app.pipeline.words import Run, WordReader
from index_builder.catalog import Catalog
from index_builder.index import CodeHits
from model.last_stage import Doubles
from model.nested import Floats

_SPREAD = 3.0  # of the score over logits: far below the thresholds codes still differ in four decimals


@dataclass(frozen=True, slots=True)
class Scored:
    """Codes, best first. probabilities (k,), None without a calibration; forms: each code's best wording (k, 768)."""

    hits: CodeHits
    probabilities: Doubles | None
    forms: Floats

    def __len__(self) -> int:
        return len(self.hits)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A calibration made ready for one catalog."""

    calibration: Calibration
    catalog: Catalog
    families: Families
    priors: Priors
    bias: Floats | None  # (C,) what the search adds to each code's cosine; None = nothing

    @classmethod
    def of(cls, calibration: Calibration, catalog: Catalog, families: Families) -> Scorer:
        """Look the priors of the catalog's codes up, once. Raises ValueError for an attention that is not opened."""
        if calibration.attention and calibration.planted is None:
            raise ValueError(f"the label attention of the calibration {calibration.name} is not opened")
        priors = calibration.priors(catalog.code_names)
        bias = calibration.bias_of(priors, lambda: tiers(catalog.name, catalog.code_names))
        return cls(calibration, catalog, families, priors, bias)

    def score(self, note: EncodedNote, stages: Cascaded, reader: WordReader, forms: Floats) -> Scored:
        """Rank the shortlist by calibrated probability; equal ones in the order of position. forms (k, 768)."""
        hits = stages.rescore768
        columns = self.columns(note, stages, reader, forms)
        logits = self.calibration.logits(columns)
        ranked = replace(hits, scores=_scores(logits))
        order = np.lexsort((hits.positions, -logits))
        return Scored(ranked.take(order), self.calibration.last_stage.curve(logits)[order], forms[order])

    def columns(self, note: EncodedNote, stages: Cascaded, reader: WordReader, forms: Floats) -> Floats:
        """(k, len(FEATURES)) of the shortlist; the attention's only where the calibration has one."""
        hits, planted = stages.rescore768, self.calibration.planted
        runs = read(reader, hits, forms)
        names = [self.catalog.code_names[position] for position in hits.positions.tolist()]
        attended = None if planted is None else attention_logits(planted, note, reader, forms, names)
        return features(note, stages, runs, forms, self.catalog, self.families, self.priors, attended)

    def score_of(self, probability: float) -> float:
        """The score that ranks with a probability, in four decimals."""
        logit = self.calibration.last_stage.curve.logit(probability)
        return round(float(_scores(np.array([logit]))[0]), 4)


def _scores(logits: Doubles) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits / _SPREAD)), dtype=np.float32)


def uncalibrated(stages: Cascaded, reader: WordReader, forms: Floats) -> Scored:
    """Without a calibration the words' cosine, less its crowding, ranks the codes (docs/decisions/0009)."""
    hits = stages.rescore768
    cosines = np.array([run.cosine for run in read(reader, hits, forms)], dtype=np.float32)
    ranked = crowded(replace(hits, scores=cosines))
    row = {position: at for at, position in enumerate(hits.positions.tolist())}
    return Scored(ranked, None, forms[[row[p] for p in ranked.positions.tolist()]])


def read(reader: WordReader, hits: CodeHits, forms: Floats) -> Sequence[Run]:
    """The nearest run of words of each hit's best clause."""
    return reader.nearest_to_each(forms, hits.spans.tolist())
