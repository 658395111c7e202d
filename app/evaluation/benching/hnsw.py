"""A graph index against exact search: FAISS's HNSW over the full vectors, its time and recall; its build apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import faiss
import numpy as np

from app.evaluation.bench import prepare
from app.evaluation.benching.turns import medians
from app.evaluation.errors import EvaluationError
from app.evaluation.run import Progress
from app.pipeline.cascade import SEARCH
from app.pipeline.note import Note
from index_builder.index import CodeIndex
from model.encoder import Encoder, Integers
from model.nested import Floats, prefix
from model.prefix_encoder import cut

NEIGHBOURS = 32  # links of a form
EFFORT = 40  # efConstruction
BEAMS = (32, 128, 512)  # efSearch
TOP = 20  # forms of each span
EXACT = "exact, full width"
COARSE = "exact, 64-d"
Find = Callable[[], Integers]


def measure_hnsw(
    index: CodeIndex, encoder: Encoder, notes: Sequence[Note], most: int, repeats: int, progress: Progress
) -> dict[str, Any]:
    """Build over `most` forms spread over the whole index (0: all), and search the notes' spans among them.

    Recall is the share of each span's TOP exact forms that are found. All run with the threads of the process. Raises
    EvaluationError when no note has a word to encode.
    """
    encoder = cut(encoder, index.manifest.dimensions)
    spans = [found for note in notes if len(found := prepare(encoder, note).encoded.vectors)]
    if not spans:
        raise EvaluationError("there is no note with a word in it")
    vectors = index.vectors(sample(index.catalog.form_count, most))
    graph, seconds = built(vectors, progress)
    queries = np.ascontiguousarray(prefix(np.concatenate(spans), vectors.shape[1]))
    finds = searches(vectors, graph, queries)
    taken = medians(finds, repeats)
    truth = finds[EXACT]()
    return {
        "forms": len(vectors),
        "spans": len(queries),
        "build_seconds": seconds,
        "threads": faiss.omp_get_max_threads(),
        "searches": {
            name: {
                "recall20": recall(find(), truth),
                "us_per_span": 1000 * taken[name] / len(queries),
                "exact_takes_times": taken[EXACT] / taken[name],
            }
            for name, find in finds.items()
        },
    }


def sample(count: int, most: int) -> Integers:
    """Rows of at most `most` forms, evenly spread, since neighbours in the file are near each other; 0: all."""
    kept = count if most == 0 else min(count, most)
    return np.linspace(0, count - 1, kept).astype(np.int64)


def built(vectors: Floats, progress: Progress) -> tuple[Any, float]:
    """The graph over the vectors, and the seconds that building took."""
    graph = faiss.IndexHNSWFlat(vectors.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = EFFORT
    step = max(len(vectors) // 20, 1)
    started = time.perf_counter()
    for start in range(0, len(vectors), step):
        graph.add(vectors[start : start + step])
        progress("building the graph", min(start + step, len(vectors)), len(vectors))
    return graph, time.perf_counter() - started


def searches(vectors: Floats, graph: Any, queries: Floats) -> dict[str, Find]:
    """Each answers with the rows of the best forms of every span, (S, TOP), -1 where it found fewer."""
    top = min(TOP, len(vectors))
    full, narrow = faiss.IndexFlatIP(vectors.shape[1]), faiss.IndexFlatIP(SEARCH)
    full.add(vectors)
    narrow.add(np.ascontiguousarray(prefix(vectors, SEARCH)))
    short = np.ascontiguousarray(prefix(queries, SEARCH))
    found: dict[str, Find] = {
        EXACT: lambda: full.search(queries, top)[1],
        COARSE: lambda: narrow.search(short, top)[1],
    }
    return found | {f"HNSW, efSearch {beam}": partial(_walk, graph, queries, top, beam) for beam in BEAMS}


def recall(found: Integers, truth: Integers) -> float:
    """Mean share of each row of `truth` that stands in the same row of `found`."""
    return float(np.mean([np.isin(right, row).mean() for row, right in zip(found, truth, strict=True)]))


def _walk(graph: Any, queries: Floats, top: int, beam: int) -> Integers:
    graph.hnsw.efSearch = beam
    rows: Integers = graph.search(queries, top)[1]
    return rows
