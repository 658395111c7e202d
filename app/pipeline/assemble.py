"""Opens what a pipeline needs: the model of a checkpoint, the indexes that were built with it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path

from app.pipeline.ahead import Ahead
from app.pipeline.carried import fitting
from app.pipeline.early_exit import with_rule
from app.pipeline.encoders import Encoders
from app.pipeline.holding import Holding
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.shelf import Shelf
from app.pipeline.threads import hand_over_sooner, limit_search_threads
from index_builder.checking import EarlyChecks
from index_builder.crosswalk.artifact import open_crosswalk
from index_builder.errors import CodeSetError
from index_builder.loader import load_folder
from index_builder.publish import folder_of
from index_builder.searching.opening import DEFAULT
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
    early_exit: Path | None = None,
    encoding_unit: str | None = None,
    search: str = DEFAULT,
) -> CodingPipeline:
    """Verify and open; takes seconds. Raises ModelError or ArtifactError, which name the file at fault.

    index: content hash of an artifact of the code set, instead of its current one
    calibrations: folders of calibrations beside the shipped ones; a name that stands there too is taken from there
    early_exit: file of the rule by which search stages may stop (app/pipeline/early_exit.py), None = they never do
    encoding_unit overrides the encoder's own, for comparisons.
    search: what searches the index, one of index_builder.searching.opening.SEARCHES
    """
    encoder = open_encoder(model, backend)
    return coder_of(
        encoder,
        artifacts,
        code_set,
        index=index,
        calibrations=calibrations,
        early_exit=early_exit,
        encoding_unit=encoding_unit,
        search=search,
    )


def coder_of(
    encoder: Encoder,
    artifacts: Path,
    code_set: str,
    *,
    index: str | None = None,
    edition: str | None = None,
    calibrations: Sequence[Path] = (),
    early_exit: Path | None = None,
    encoding_unit: str | None = None,
    search: str = DEFAULT,
    threads: int = 0,
) -> CodingPipeline:
    """As `open_coder`, around an opened encoder. Raises ArtifactError. The index is closed with the pipeline.

    threads: that code notes side by side, 0 = one for each core
    """
    one = Holding(code_set, edition, index)
    with Ahead(artifacts, [one], calibrations) as ahead:
        return _coder(encoder, artifacts, one, ahead, early_exit, encoding_unit, search, threads)


def _coder(
    encoder: Encoder,
    artifacts: Path,
    one: Holding,
    ahead: Ahead,
    early_exit: Path | None,
    encoding_unit: str | None,
    search: str,
    threads: int,
) -> CodingPipeline:
    limit_search_threads()
    hand_over_sooner()
    folder = folder_of(artifacts, one.code_set, edition=one.edition, index=one.index)
    opened = load_folder(folder, encoder, search=search, check=ahead.check)
    loaded = ahead.calibrations(encoder.info.version)
    learned = fitting(loaded, one.code_set, opened.manifest.dimensions)
    learned = learned if early_exit is None else with_rule(early_exit, loaded, learned)
    learned = {name: calibration.placed(encoder) for name, calibration in learned.items()}
    ahead.wait_for_words()
    pipeline = CodingPipeline(encoder, opened, calibrations=learned, encoding_unit=encoding_unit, threads=threads)
    weakref.finalize(pipeline, opened.close)  # with the last note that it codes, not with the swap
    return pipeline


def open_shelf(
    artifacts: Path,
    holdings: Sequence[Holding],
    model: Path | None,
    backend: str,
    *,
    calibrations: Sequence[Path] = (),
    early_exit: Path | None = None,
    threads: int = 0,
    search: str = DEFAULT,
    encoders: Encoders | None = None,
    checks: EarlyChecks | None = None,
) -> Shelf:
    """Verify and open several code sets and editions around one encoder, and the cross-walk if one was built.

    The first holding is the default. threads: of an ONNX encoder, 0 = all cores. encoders: those that are open, so
    that the same one is shared. checks: of the indexes' files, if they have begun. Raises ModelError or ArtifactError;
    CodeSetError where two are the same edition.
    """
    pipelines: dict[str, CodingPipeline] = {}
    with Ahead(artifacts, holdings, calibrations, checks) as ahead:
        encoder = (encoders or Encoders()).open(model, backend, threads=threads)
        for one in holdings:
            pipeline = _coder(encoder, artifacts, one, ahead, early_exit, None, search, threads)
            name = pipeline.versions.code_set
            if name in pipelines:
                raise CodeSetError(name, "is named twice among the code sets to serve")
            pipelines[name] = pipeline
    crosswalk = open_crosswalk(artifacts)
    shelf = Shelf(tuple(pipelines.values()), crosswalk)
    if crosswalk is not None:
        weakref.finalize(shelf, crosswalk.close)
    return shelf
