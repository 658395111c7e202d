"""Random weights of a small label attention, and notes for it."""

from __future__ import annotations

import numpy as np

from model.attention.config import AttentionConfig
from model.attention.vocabulary import Vocabulary
from model.attention.weights import AttentionWeights, StaticTable, shapes
from model.encoder import Integers
from model.nested import Floats, normalise

CODES = ("A01", "B02", "C03")
WORDS = ("cough", "fever", "gout", "pain", "rash")
SMALL = AttentionConfig(
    width=12, learned_k=4, static_k=2, differentiable_k=3, map_rank=3, ranker_width=4, ranker_hidden=3
)


def random_weights(config: AttentionConfig = SMALL, seed: int = 0) -> AttentionWeights:
    rng = np.random.default_rng(seed)
    tensors = {
        name: rng.normal(size=shape).astype(np.float16).astype(np.float32)  # fp16, as the file keeps them
        for name, shape in shapes(config, len(CODES)).items()
    }
    static = StaticTable(
        rows=np.array([0, 3, 3, 5], dtype=np.int64),
        words=np.array([0, 1, 3, 2, 4], dtype=np.int64),
        values=np.array([1.0, 0.5, 0.25, 1.0, 0.75], dtype=np.float32),
    )
    return AttentionWeights(config, tensors, static, Vocabulary(CODES), Vocabulary(WORDS))


def random_note(tokens: int, labels: int, seed: int, width: int = 16) -> tuple[Floats, Integers, Floats]:
    """tokens (T, width), token ids (T,), labels (L, width)."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(tokens, width)).astype(np.float32)
    return (
        vectors,
        rng.integers(-1, len(WORDS), size=tokens),
        normalise(rng.normal(size=(labels, width)).astype(np.float32)),
    )
