"""What an index costs and answers that stores 64, 128, 256 or all dimensions of every wording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.evaluation.corpora import CodedNote, match
from app.evaluation.measure import measure
from app.evaluation.run import Progress, run
from app.pipeline.assemble import coder_of
from app.pipeline.note import CodingOptions
from app.version import VERSION
from index_builder.manifest import CATALOG, FORMS, read_manifest
from index_builder.narrow import narrow
from index_builder.publish import current
from model.encoder import Encoder
from model.nested import PREFIXES

QUALITY = ("MAP", "P@5", "R@5", "R@20", "R@200")


def operating_points(
    artifacts: Path,
    code_set: str,
    encoder: Encoder,
    folder: Path,
    notes: Sequence[CodedNote],
    options: CodingOptions,
    tell: Progress,
) -> dict[str, dict[str, Any]]:
    """Bytes, time and quality by dimensions kept: the service's own pipeline over one narrowed index after the other.

    The current index of `artifacts` is narrowed into `folder`/<dimensions>, which serves as an artifacts folder of its
    own afterwards. What the current index does not hold is left out. Raises ArtifactError.
    """
    source = current(artifacts / code_set)
    widest = read_manifest(source).dimensions
    table: dict[str, dict[str, Any]] = {}
    for keep in (d for d in PREFIXES if d <= widest):
        root = artifacts if keep == widest else folder / str(keep)
        if keep < widest:
            narrow(source, root, keep, encoder, builder_version=VERSION)
        table[str(keep)] = _bytes(current(root / code_set)) | _answers(root, code_set, encoder, notes, options, tell)
    return table


def _bytes(artifact: Path) -> dict[str, int]:
    """vectors: all forms, memory-mapped; search: what stage one holds in memory; files: the artifact as a whole."""
    files = {name: entry.size for name, entry in read_manifest(artifact).files.items()}
    vectors = files[FORMS]
    return {
        "vectors_bytes": vectors,
        "search_bytes": sum(size for name, size in files.items() if name not in (FORMS, CATALOG)),
        "files_bytes": sum(files.values()),
    }


def _answers(
    root: Path, code_set: str, encoder: Encoder, notes: Sequence[CodedNote], options: CodingOptions, tell: Progress
) -> dict[str, Any]:
    coder = coder_of(encoder, root, code_set)
    done = run(coder, match(notes, coder.catalog), options, 0, tell)
    found = measure(done, frozenset(coder.catalog.code_names), None)
    stages = [final.timings_ms for final in done.finals]
    searching = ("search64", "rescore256", "rescore768")
    return {
        "seconds": found["seconds_per_note"],
        "search_ms": sum(sum(one.get(stage, 0.0) for stage in searching) for one in stages) / len(stages),
        **{name: found["ranking"][name] for name in QUALITY},
        "category_MAP": found["category_match"]["MAP"],
    }
