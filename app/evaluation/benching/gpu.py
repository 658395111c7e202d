"""The GPU backend: what a device could do, what the unpadded pass makes of it, and the same answers as on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from app.evaluation.bench import prepare
from app.evaluation.benching.turns import medians
from app.evaluation.errors import EvaluationError
from app.pipeline.encoding import encode
from app.pipeline.note import CodingOptions, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.segment import segment
from model.encoder import Encoder, embed

Opened = tuple[Encoder, CodingPipeline]


def why_not() -> str | None:
    """Why nothing can be measured here; None where a CUDA device is at hand."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return None if torch.cuda.is_available() else "no CUDA device"


def measure_gpu(
    reference: Opened, open_gpu: Callable[[], Opened], notes: Sequence[Note], repeats: int
) -> dict[str, Any]:
    """All of it, or {"not_run": reason} without a CUDA device.

    reference: encoder and pipeline on the CPU; open_gpu: the same checkpoint and index on the GPU. Raises
    EvaluationError when no note has a word in it.
    """
    reason = why_not()
    if reason is not None:
        return {"not_run": reason}
    import torch

    from app.evaluation.benching.packed_speed import Trial, measure_packed
    from model.packed.network import Placement

    where = Placement.best()
    opened = open_gpu()
    try:
        return {
            "device": torch.cuda.get_device_name(where.device),
            "torch": torch.__version__,
            "packed": measure_packed(Trial(), where, repeats),
            "notes": measure_notes(opened, notes, repeats),
            "parity": parity(reference, opened, notes),
        }
    finally:
        opened[1].index.close()


def measure_notes(opened: Opened, notes: Sequence[Note], repeats: int) -> dict[str, Any]:
    """Notes a second of the encode stage, tokenizing included, and of the whole pipeline in one process.

    All notes are handed over together, as a full batch of the service; a wording that several share is encoded once.
    """
    encoder, pipeline = opened
    segmented = [segment(note) for note in notes]
    options = [CodingOptions()] * len(notes)
    taken = medians(
        {"encode": partial(encode, encoder, segmented), "pipeline": partial(pipeline.code, notes, options)}, repeats
    )
    return {
        "notes": len(notes),
        "spans": sum(len(one.vectors) for one in encode(encoder, segmented)),
        "search": pipeline.index.search_name,
        "notes_per_second": {name: 1000 * len(notes) / milliseconds for name, milliseconds in taken.items()},
    }


def parity(reference: Opened, opened: Opened, notes: Sequence[Note]) -> dict[str, float]:
    """The least and the mean cosine of the same texts' vectors, and the mean agreement of the codes answered."""
    texts = list(dict.fromkeys(text for note in notes for text in prepare(reference[0], note).texts))
    if not texts:
        raise EvaluationError("there is no note with a word in it")
    cosines = (embed(reference[0], texts) * embed(opened[0], texts)).sum(axis=1)
    cosines = cosines[reference[0].encode(texts).counts() > 0]
    options = [CodingOptions()] * len(notes)
    answered = [pipeline.code(notes, options) for _, pipeline in (reference, opened)]
    agreed = []
    for one, other in zip(*answered, strict=True):
        ours, theirs = ({item.code for item in (*coding.codes, *coding.candidates)} for coding in (one, other))
        agreed.append(len(ours & theirs) / max(1, len(ours | theirs)))
    return {
        "texts": float(len(cosines)),
        "least_cosine": float(cosines.min()),
        "mean_cosine": float(cosines.mean()),
        "codes_agreement": float(np.mean(agreed)),
    }
