"""Golden queries: what a finished index answers to fixed phrases, kept in its manifest and asked again at load."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from index_builder.errors import GoldenMismatchError
from index_builder.index import CodeIndex
from index_builder.manifest import Golden
from model.cpu import cores
from model.encoder import Encoder, embed
from model.nested import Floats, prefix

QUERIES = (
    "type 2 diabetes with peripheral neuropathy",
    "acute appendicitis with rupture",
    "community acquired pneumonia",
    "high blood pressure",
    "iron deficiency anemia from chronic blood loss",
    "closed fracture of the left distal radius, first visit",
    "chest pain on exertion",
    "chronic kidney disease stage 3",
    "urinary tract infection",
    "seasonal allergic rhinitis",
    "recurrent major depression, moderate",
    "gastroesophageal reflux without esophagitis",
    "atrial fibrillation",
    "low back pain",
    "pressure ulcer of the sacrum",
    "migraine with aura",
    "accidental fall from a ladder",
    "malignant tumor of the upper lobe of the lung",
    "underactive thyroid",
    "personal history of breast cancer",
)
TOLERANCE = 0.02
CANDIDATES = 200


def answer(index: CodeIndex, encoder: Encoder, texts: Sequence[str] = QUERIES) -> tuple[Golden, ...]:
    """The first code of each text after stage one and rescoring by all that is stored, and its score."""
    vectors = embed(encoder, texts)
    return tuple(_answer(index, text, vectors[i : i + 1]) for i, text in enumerate(texts))


def check(index: CodeIndex, encoder: Encoder, manifest_path: Path) -> None:
    """Ask every golden query of the manifest again. Raises GoldenMismatchError naming the first that differs.

    The expected code must score as it did, and come first or level with the first: both within TOLERANCE, which
    covers the last bits in which CPUs and encoder backends differ.
    """
    golden = index.manifest.golden
    vectors = embed(encoder, [g.text for g in golden])

    def asked(i: int) -> tuple[Golden, float]:
        vector = vectors[i : i + 1]
        return _answer(index, golden[i].text, vector), _score(index, vector, golden[i].code, manifest_path)

    with ThreadPoolExecutor(cores(), thread_name_prefix="golden") as threads:  # each reads all vectors once
        answers = list(threads.map(asked, range(len(golden))))
    for expected, (found, score) in zip(golden, answers, strict=True):
        if abs(score - expected.score) > TOLERANCE or found.score - score > TOLERANCE:
            raise GoldenMismatchError(
                manifest_path,
                f"golden query {expected.text!r} was answered {expected.code} ({expected.score:.4f}) at build, "
                f"now {found.code} ({found.score:.4f}), {expected.code} scoring {score:.4f}",
            )


def _answer(index: CodeIndex, text: str, vector: Floats) -> Golden:
    candidates = index.search(prefix(vector, min(index.manifest.prefixes)), CANDIDATES)
    width = index.manifest.dimensions
    best = index.rescore(prefix(vector, width), candidates.positions, width).top(1)
    code = index.catalog.entry(int(best.positions[0])).code
    return Golden(text=text, code=code, score=round(float(best.scores[0]), 4))


def _score(index: CodeIndex, vector: Floats, code: str, manifest_path: Path) -> float:
    position = index.catalog.position(code)
    if position is None:
        raise GoldenMismatchError(manifest_path, f"golden code {code} is not in the catalog")
    width = index.manifest.dimensions
    hits = index.rescore(prefix(vector, width), np.array([position], dtype=np.int64), width)
    return float(hits.scores[0])
