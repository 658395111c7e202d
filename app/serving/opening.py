"""Opens the pipeline that the settings name, or another one below the same folders, ready to serve."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.errors import ReloadRefused
from app.pipeline.coder import Coder
from app.pipeline.encoders import Encoders
from app.pipeline.holding import Holding
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.shelved import catalogs_of, name_of
from app.serving.lifecycle import Choice
from app.settings import Settings
from index_builder.checking import EarlyChecks
from index_builder.publish import edition_of

_INDEX: Final = re.compile(r"[0-9a-f]{16}")
_FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def open_chosen(
    settings: Settings, choice: Choice, encoders: Encoders | None = None, checks: EarlyChecks | None = None
) -> Coder:
    """Open, verify against the manifests, ask the golden queries, warm up. Blocking, seconds.

    encoders: those that are open; the same one is shared, while indexes are always opened anew.
    checks: of the indexes' files, if they have begun.
    Raises ModelError or ArtifactError, which name the file at fault, or ReloadRefused for a name that is none.
    """
    from app.pipeline.assemble import open_shelf  # the models' libraries are slow to import: after /livez answers

    model, holdings = model_folder(settings, choice.model), holdings_with(settings, choice.index)
    coder = open_shelf(
        settings.artifacts,
        holdings,
        model,
        settings.backend,
        calibrations=settings.calibration_folders,
        early_exit=settings.early_exit,
        search=settings.search,
        encoders=encoders,
        checks=checks,
    )
    warm_up(coder)
    return coder


def model_folder(settings: Settings, name: str | None) -> Path | None:
    """The checkpoint folder of a name; it lies directly below settings.models. Raises ReloadRefused."""
    if name is None:
        return settings.model
    if settings.models is None:
        raise ReloadRefused("No model can be named: the setting models (ICD_CASCADE_MODELS) names no folder of models.")
    # The error names the folder: it must be one that exists, not what was sent.
    if not _FOLDER.fullmatch(name) or not (settings.models / name).is_dir():
        raise ReloadRefused("model must name a checkpoint folder directly below models.")
    return settings.models / name


def holdings_with(settings: Settings, index: str | None) -> tuple[Holding, ...]:
    """The code sets to serve, one of them with this artifact: that whose folder holds it. Raises ReloadRefused.

    index: an artifact's content hash, which is the name of its folder; None = each code set's own choice
    """
    holdings = settings.holdings
    if index is None:
        return holdings
    known = [one for one in holdings if _holds(settings.artifacts / one.code_set, index)]
    if not known:
        # The error names the folder: it must be one that exists, not what was sent.
        raise ReloadRefused("index must be the content hash of an artifact of a served code set.")
    edition = edition_of(settings.artifacts / known[0].code_set / index)
    replaced = next((one for one in known if one.edition == edition), known[0])
    return tuple(replace(one, index=index) if one is replaced else one for one in holdings)


def _holds(root: Path, index: str) -> bool:
    return _INDEX.fullmatch(index) is not None and (root / index).is_dir()


def warm_up(coder: Coder) -> None:
    """Code a note of the golden queries: the first patient's note should not wait for pages and buffers."""
    from index_builder.golden import QUERIES

    everything = tuple(map(name_of, catalogs_of(coder)))
    coder.code([Note((Document(".\n".join(QUERIES)),))], [CodingOptions(code_sets=everything)])
