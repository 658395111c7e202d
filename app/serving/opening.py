"""Opens the pipeline that the settings name, or another one below the same folders, ready to serve."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from app.errors import ReloadRefused
from app.pipeline.coder import Coder
from app.pipeline.note import CodingOptions, Document, Note
from app.serving.lifecycle import Choice
from app.settings import Settings

_INDEX: Final = re.compile(r"[0-9a-f]{16}")
_FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def open_chosen(settings: Settings, choice: Choice) -> Coder:
    """Open, verify against the manifests, ask the golden queries, warm up. Blocking, seconds.

    Raises ModelError or ArtifactError, which name the file at fault, or ReloadRefused for a name that is none.
    """
    from app.pipeline.assemble import open_coder  # the models' libraries are slow to import: after /livez answers

    model, index = model_folder(settings, choice.model), index_name(settings, choice.index)
    coder = open_coder(
        settings.artifacts,
        settings.code_set,
        model,
        settings.backend,
        index=index,
        calibrations=settings.calibration_folders,
    )
    warm_up(coder)
    return coder


def model_folder(settings: Settings, name: str | None) -> Path | None:
    """The checkpoint folder of a name; it lies directly below settings.models. Raises ReloadRefused."""
    if name is None:
        return settings.model
    if settings.models is None:
        raise ReloadRefused("No model can be named: the setting models (ICD_CASCADE_MODELS) names no folder of models.")
    return _child(settings.models, name, _FOLDER, "model must name a checkpoint folder directly below models.")


def index_name(settings: Settings, name: str | None) -> str | None:
    """An artifact's content hash, which is the name of its folder. Raises ReloadRefused if there is none."""
    if name is None:
        return None
    root = settings.artifacts / settings.code_set
    return _child(root, name, _INDEX, "index must be the content hash of an artifact of the code set.").name


def _child(root: Path, name: str, pattern: re.Pattern[str], otherwise: str) -> Path:
    # Errors name the folder: it must be one that exists, not what was sent.
    if not pattern.fullmatch(name) or not (root / name).is_dir():
        raise ReloadRefused(otherwise)
    return root / name


def warm_up(coder: Coder) -> None:
    """Code a note of the golden queries: the first patient's note should not wait for pages and buffers."""
    from index_builder.golden import QUERIES

    coder.code([Note((Document(".\n".join(QUERIES)),))], [CodingOptions()])
