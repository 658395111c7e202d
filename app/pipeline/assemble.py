"""Opens what a pipeline needs: the model of a checkpoint, the index that was built with it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path

from app.pipeline.assertion.phrases import assertion_lexicon
from app.pipeline.calibration import SHIPPED, load_all
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.threads import limit_search_threads
from index_builder.loader import load, load_folder
from model.backends import open_encoder
from model.encoder import Encoder


def open_coder(
    artifacts: Path,
    code_set: str,
    model: Path | None,
    backend: str,
    *,
    index: str | None = None,
    calibrations: Sequence[Path] = (),
    encoding_unit: str | None = None,
) -> CodingPipeline:
    """Verify and open; takes seconds. Raises ModelError or ArtifactError, which name the file at fault.

    index: content hash of an artifact of the code set, instead of its current one
    calibrations: folders of calibrations beside the shipped ones; a name that stands there too is taken from there
    encoding_unit overrides the encoder's own, for comparisons.
    """
    encoder = open_encoder(model, backend)
    return coder_of(encoder, artifacts, code_set, index=index, calibrations=calibrations, encoding_unit=encoding_unit)


def coder_of(
    encoder: Encoder,
    artifacts: Path,
    code_set: str,
    *,
    index: str | None = None,
    calibrations: Sequence[Path] = (),
    encoding_unit: str | None = None,
) -> CodingPipeline:
    """As `open_coder`, around an opened encoder. Raises ArtifactError. The index is closed with the pipeline."""
    limit_search_threads()
    assertion_lexicon()  # read once, now: the first note should not wait for it
    opened = load(artifacts, code_set, encoder) if index is None else load_folder(artifacts / code_set / index, encoder)
    learned = load_all([SHIPPED, *calibrations], encoder.info.version)
    pipeline = CodingPipeline(encoder, opened, calibrations=learned, encoding_unit=encoding_unit)
    weakref.finalize(pipeline, opened.close)  # with the last note that it codes, not with the swap
    return pipeline
