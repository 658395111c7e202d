"""What the first stage costs as a code set grows: the service's own matrix product over made-up unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.evaluation.benching.turns import medians
from app.evaluation.errors import EvaluationError
from app.evaluation.run import Progress
from app.pipeline.cascade import SEARCH
from app.pipeline.note import stage_widths
from index_builder.matching import FORM_BLOCK, best_positions, form_maxima
from model.encoder import Integers
from model.nested import Floats, normalise

FORMS = (100_000, 1_000_000)
SPANS = 64  # query vectors of the note
SEED = 20
ROOM = 0.5  # share of the free memory that the vectors may take
BYTES = 4  # of a float32
MEMORY = Path("/proc/meminfo")


def measure_forms(counts: Sequence[int], repeats: int, progress: Progress) -> list[dict[str, Any]]:
    """One row a number of forms: milliseconds of a note of SPANS spans, and nanoseconds per form and span.

    Every form is a code of its own, which is the most that choosing the best ones can cost. Raises EvaluationError
    before anything is made where the largest does not fit.
    """
    check_room(max(counts), free_bytes())
    generator = np.random.default_rng(SEED)
    queries = normalise(generator.standard_normal((SPANS, SEARCH), dtype=np.float32))
    width = stage_widths("card", 20).candidates
    rows = []
    for number, count in enumerate(counts, start=1):
        vectors = unit_vectors(count, generator)
        [taken] = medians({"search": partial(first_stage, queries, vectors, width)}, repeats).values()
        rows.append({"forms": count, "spans": SPANS, "ms": taken, "ns_per_form_and_span": taken * 1e6 / count / SPANS})
        progress("forms", number, len(counts))
    return rows


def first_stage(queries: Floats, vectors: Floats, width: int) -> Integers:
    """Rows of the `width` best forms over all spans, as stage one finds them."""
    blocks = (vectors[start : start + FORM_BLOCK] for start in range(0, len(vectors), FORM_BLOCK))
    return best_positions(form_maxima(queries, blocks, len(vectors)), width, None)


def unit_vectors(count: int, generator: np.random.Generator) -> Floats:
    """(count, SEARCH) random unit rows, made in blocks so that no second copy is needed."""
    vectors = np.empty((count, SEARCH), dtype=np.float32)
    for start in range(0, count, FORM_BLOCK):
        part = vectors[start : start + FORM_BLOCK]
        generator.standard_normal(out=part, dtype=np.float32)
        part[:] = normalise(part)
    return vectors


def check_room(count: int, free: int | None) -> None:
    """Raises EvaluationError where the vectors would take more than ROOM of the free bytes (None: not known)."""
    needed = count * SEARCH * BYTES
    if free is not None and needed > ROOM * free:
        raise EvaluationError(
            f"--forms {count}: the vectors take {needed / 1e9:.2f} GB, more than {ROOM:.0%} of the "
            f"{free / 1e9:.2f} GB of free memory"
        )


def free_bytes(meminfo: Path = MEMORY) -> int | None:
    """Memory that can be had without swapping; None where the system does not tell."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None
