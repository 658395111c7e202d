"""Two real pipelines on disk, tiny and quick: a checkpoint each, an index each, under the name of the real code set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from index_builder.build import build
from index_builder.publish import current, point
from model.checkpoint import Checkpoint
from model.onnx_encoder import OnnxEncoder
from tests.index_builder.fakes import FakeCodeSet
from tests.model.tiny import write_tiny_checkpoint

MODELS = ("one", "two")


class TinyCodeSet(FakeCodeSet):
    """Thirty-odd codes that requests reach by the default code set."""

    name = "icd-10-cm"
    edition = "2026-04"


@dataclass(frozen=True, slots=True)
class Deployment:
    """indexes: content hash of the index of each model."""

    settings: Settings
    indexes: dict[str, str]

    @property
    def root(self) -> Path:
        """The folder of the code set's artifacts."""
        return self.settings.artifacts / self.settings.code_set


def deploy(folder: Path) -> Deployment:
    """Both models and their indexes; the settings name the first."""
    indexes: dict[str, str] = {}
    for seed, model in enumerate(MODELS):
        write_tiny_checkpoint(folder / "models" / model, seed)
        encoder = OnnxEncoder(Checkpoint.open(folder / "models" / model), threads=1)
        build(TinyCodeSet(), encoder, folder / "artifacts", builder_version="test")
        indexes[model] = current(folder / "artifacts" / TinyCodeSet.name).name
    point(folder / "artifacts" / TinyCodeSet.name, indexes["one"])
    models = folder / "models"
    settings = Settings(artifacts=folder / "artifacts", model=models / "one", models=models, shadow_share=0)
    return Deployment(settings, indexes)
