"""Made-up notes in which one word tells one code; its vector is near to the code's."""

from __future__ import annotations

import numpy as np

from model.attention.config import AttentionConfig
from model.nested import prefix
from model.training.planting.notes import Halves, LabelPool, TrainingNote

WIDTH = 16
FINDINGS = ("cough", "fever", "gout", "rash", "edema", "ulcer")
NAMES = tuple(f"A0{number}" for number in range(len(FINDINGS)))
FILLER = ("the", "patient", "has", "seen", "today", "")
CONFIG = AttentionConfig(width=WIDTH, map_rank=2, ranker_width=4, ranker_hidden=3, static_k=2, differentiable_k=3)


def _unit(rng: np.random.Generator, count: int) -> Halves:
    return prefix(rng.normal(size=(count, WIDTH)), WIDTH).astype(np.float16)


_RNG = np.random.default_rng(42)
_LABELS = dict(zip(NAMES, _unit(_RNG, len(NAMES)), strict=True))
_NEAR = [vector + 0.7 * noise for vector, noise in zip(_LABELS.values(), _unit(_RNG, len(NAMES)), strict=True)]
_WORDS = dict(zip((*FINDINGS, *FILLER), [*_NEAR, *_unit(_RNG, len(FILLER))], strict=True))


def made_notes(count: int, seed: int = 0) -> list[TrainingNote]:
    """Each note has two findings. Its candidates are all codes but the last; that one is always missed."""
    rng = np.random.default_rng(seed)
    return [_note(number, sorted(rng.permutation(len(FINDINGS))[:2].tolist()), rng) for number in range(count)]


def _note(number: int, found: list[int], rng: np.random.Generator) -> TrainingNote:
    words = tuple(rng.permutation([*(FINDINGS[f] for f in found), *rng.choice(FILLER, size=6)]).tolist())
    gold = frozenset(NAMES[f] for f in found)
    codes = [*rng.permutation(NAMES[:-1]).tolist(), *(name for name in NAMES[-1:] if name in gold)]
    return TrainingNote(
        id=f"note{number}",
        tokens=prefix(np.stack([_WORDS[word] for word in words]), WIDTH).astype(np.float16),
        words=words,
        codes=tuple(codes),
        vectors=np.stack([_LABELS[code] for code in codes]),
        candidates=len(NAMES) - 1,
        scores=rng.random(len(NAMES) - 1).astype(np.float32),
        gold=gold,
    )


def made_pool() -> LabelPool:
    return LabelPool(("Z00", "Z01", "Z02", "A00"), _unit(np.random.default_rng(1), 4))
