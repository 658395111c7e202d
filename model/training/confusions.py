"""The model's own mistakes on the tables: which codes it takes wordings for that mean another.

In-batch negatives are drawn blindly, and most are easy after a few hundred steps. What the model so far confuses is
mined by exact search over all wordings (Xiong et al. 2021, ANCE) and meets its wordings in the batches that follow.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.encoder import Integers
from model.training.kinship import Asked, Kinship, Mistake
from model.training.pairs import Term
from model.training.text import Text

Embed = Callable[[Sequence[Text]], Tensor]
Progress = Callable[[str, int, int], None]

LEAST_WEIGHT = 0.1  # of a wording searched: patterns repeated for thousands of drugs are no mistakes worth a group
WIDTH = 256  # dimensions compared: three times as fast as 768, and the same mistakes
SAME = 0.98  # cosine from which another code's wording is taken to be the same words after all

_CHUNK, _BLOCK, _NEIGHBOURS = 2048, 256, 48


def confusions(
    terms: Sequence[Term],
    kinship: Kinship,
    embed: Embed,
    progress: Progress,
    *,
    queries: int,
    each: int = 4,
    seed: int = 0,
) -> dict[Asked, tuple[Mistake, ...]]:
    """For some wordings the codes, at most `each`, that stand nearest and are not meant, by the wording that does.

    queries: how many wordings are asked, drawn from those that are no titles. embed: texts -> (N, D).
    """
    searched = sorted((t for t in terms if t.weight >= LEAST_WEIGHT), key=lambda t: len(t.wording))
    vectors = _vectors([t.pieces for t in searched], embed, progress)
    asked = [row for row, term in enumerate(searched) if not term.title]
    rows = sorted(random.Random(seed).sample(asked, min(queries, len(asked))))
    found: dict[Asked, tuple[Mistake, ...]] = {}
    for row, near, scores in _nearest(vectors, rows, progress):
        term = searched[row]
        alike = kinship.alike(term)
        wrong: dict[str, Text] = {}
        for at, score in zip(near, scores, strict=True):
            other = searched[at]
            if score < SAME and other.code not in alike and other.code != term.code:
                wrong.setdefault(other.code, other.pieces)
        if wrong:
            found[term.code, term.wording] = tuple(wrong.items())[:each]
    return found


def _vectors(texts: Sequence[Text], embed: Embed, progress: Progress) -> Tensor:
    """Unit rows (N, WIDTH) of texts in order of length: chunks of one length hold little padding."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(texts), _CHUNK):
            parts.append(functional.normalize(embed(texts[start : start + _CHUNK])[:, :WIDTH], dim=-1))
            progress("encoding wordings", min(start + _CHUNK, len(texts)), len(texts))
    return torch.cat(parts)


def _nearest(
    vectors: Tensor, rows: Sequence[int], progress: Progress
) -> Iterator[tuple[int, Sequence[int], Sequence[float]]]:
    """For each row its nearest rows, best first, and their cosines."""
    count = min(_NEIGHBOURS, len(vectors))
    for start in range(0, len(rows), _BLOCK):
        block: Integers = np.asarray(rows[start : start + _BLOCK], dtype=np.int64)
        with torch.inference_mode():
            best = (vectors[torch.from_numpy(block).to(vectors.device)] @ vectors.T).topk(count, dim=1)
        yield from zip(block.tolist(), best.indices.tolist(), best.values.tolist(), strict=True)
        progress("searching mistakes", min(start + _BLOCK, len(rows)), len(rows))
