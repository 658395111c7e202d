"""Opens what a pipeline needs: the model of a checkpoint, the index that was built with it."""

from __future__ import annotations

from pathlib import Path

from app.pipeline.assertion.phrases import assertion_lexicon
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.threads import limit_search_threads
from index_builder.loader import load
from model.backends import open_encoder
from model.encoder import Encoder


def open_coder(
    artifacts: Path, code_set: str, model: Path | None, backend: str, *, encoding_unit: str | None = None
) -> CodingPipeline:
    """Verify and open; takes seconds. Raises ModelError or ArtifactError, which name the file at fault.

    encoding_unit overrides the encoder's own, for comparisons.
    """
    return coder_of(open_encoder(model, backend), artifacts, code_set, encoding_unit=encoding_unit)


def coder_of(encoder: Encoder, artifacts: Path, code_set: str, *, encoding_unit: str | None = None) -> CodingPipeline:
    """As `open_coder`, around an opened encoder. Raises ArtifactError."""
    limit_search_threads()
    assertion_lexicon()  # read once, now: the first note should not wait for it
    return CodingPipeline(encoder, load(artifacts, code_set, encoder), encoding_unit=encoding_unit)
