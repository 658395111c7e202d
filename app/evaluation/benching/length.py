"""What a note costs as it grows: notes of given lengths, made by joining the practice notes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from app.evaluation.benching.turns import medians
from app.evaluation.run import Progress
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline

LENGTHS = (1_000, 5_000, 20_000, 50_000, 200_000)
BREAK = "\n\n"


def measure_lengths(
    pipeline: CodingPipeline, texts: Sequence[str], lengths: Sequence[int], repeats: int, progress: Progress
) -> list[dict[str, Any]]:
    """One row a length: characters, milliseconds of a note, and milliseconds per 1,000 characters.

    A note longer than all texts together repeats them, and a clause is encoded once a note however often it stands
    there; `repeated` says how many times over the texts were used.
    """
    all_of_them = BREAK.join(texts)
    rows = []
    for number, length in enumerate(lengths, start=1):
        note = Note((Document(joined(all_of_them, length)),))
        [taken] = medians({"note": partial(pipeline.code, [note], [CodingOptions()])}, repeats).values()
        rows.append(
            {
                "characters": length,
                "repeated": length / len(all_of_them),
                "ms": taken,
                "ms_per_1000_characters": taken * 1000 / length,
            }
        )
        progress("length", number, len(lengths))
    return rows


def joined(text: str, length: int) -> str:
    """`length` characters of a text, over and over where it is shorter."""
    return BREAK.join([text] * (length // len(text) + 1))[:length]
