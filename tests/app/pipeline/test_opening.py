"""What is the same is opened once: the encoder over a swap; calibrations and word lists of several code sets."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.pipeline import ahead
from app.pipeline.assemble import open_shelf
from app.pipeline.calibration import SHIPPED, Calibration, CalibrationError
from app.pipeline.encoders import Encoders
from app.pipeline.holding import Holding
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.shelf import Shelf
from index_builder.checking import EarlyChecks
from index_builder.errors import ArtifactError, ChangedFileError
from index_builder.manifest import FORMS, read_manifest
from model import backends
from model.encoder import Encoder
from model.errors import CheckpointError
from tests.app.live import Deployment, deploy

NOTE = Note((Document("Known type 2 diabetes. Today: acute appendicitis."),))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deploy(tmp_path_factory.mktemp("deployed"))


@pytest.fixture
def deployed(built: Deployment, tmp_path: Path) -> Deployment:
    """A copy of indexes and models that a test may damage."""
    artifacts = Path(shutil.copytree(built.settings.artifacts, tmp_path / "artifacts"))
    assert built.settings.models is not None
    models = Path(shutil.copytree(built.settings.models, tmp_path / "models"))
    update = {"artifacts": artifacts, "models": models, "model": models / "one"}
    return Deployment(built.settings.model_copy(update=update), built.indexes)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Versions of the encoders that were opened, in their order."""
    versions: list[str] = []
    really = backends.open_encoder

    def open_encoder(path: Path | None, backend: str, *, threads: int = 0) -> Encoder:
        encoder = really(path, backend, threads=threads)
        versions.append(encoder.info.version)
        return encoder

    monkeypatch.setattr(backends, "open_encoder", open_encoder)
    return versions


def shelf_of(deployed: Deployment, encoders: Encoders, model: str = "one", *calibrations: Path) -> Shelf:
    assert deployed.settings.models is not None
    holding = Holding("icd-10-cm", index=deployed.indexes[model])
    path = deployed.settings.models / model
    artifacts = deployed.settings.artifacts
    return open_shelf(artifacts, [holding], path, "onnx", threads=1, encoders=encoders, calibrations=calibrations)


def codes(shelf: Shelf) -> list[str]:
    coding = shelf.code([NOTE], [CodingOptions()])[0]
    return [item.code for item in (*coding.codes, *coding.candidates)]


def test_the_encoder_that_serves_is_shared_and_the_index_is_opened_anew(
    deployed: Deployment, opened: list[str]
) -> None:
    encoders = Encoders()
    first = shelf_of(deployed, encoders)
    answered = codes(first)
    assert answered
    second = shelf_of(deployed, encoders)
    assert opened == [first.versions.model]
    assert second.catalog is not first.catalog
    del first
    gc.collect()
    assert codes(second) == answered  # the index of the first is closed, its encoder is not


def test_another_model_or_backend_is_another_encoder(deployed: Deployment, opened: list[str]) -> None:
    encoders = Encoders()
    one, two = shelf_of(deployed, encoders), shelf_of(deployed, encoders, "two")
    assert opened == [one.versions.model, two.versions.model]
    encoders.open(deployed.settings.model, "onnx", threads=1)
    assert len(opened) == 2
    encoders.open(deployed.settings.model, "onnx", threads=2)
    encoders.open(deployed.settings.model, "auto", threads=1)
    assert len(opened) == 4


def test_an_encoder_goes_with_the_last_who_uses_it(deployed: Deployment, opened: list[str]) -> None:
    encoders = Encoders()
    for _ in range(2):
        encoders.open(deployed.settings.model, "onnx")
        gc.collect()
    assert len(opened) == 2


def test_a_damaged_checkpoint_is_refused_also_where_it_serves(deployed: Deployment) -> None:
    encoders = Encoders()
    kept = encoders.open(deployed.settings.model, "onnx")
    assert deployed.settings.model is not None
    weights = deployed.settings.model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        encoders.open(deployed.settings.model, kept.info.backend)


def test_a_swap_checks_the_index_again(deployed: Deployment) -> None:
    encoders = Encoders()
    serving = shelf_of(deployed, encoders)
    forms = deployed.root / deployed.indexes["one"] / FORMS
    forms.write_bytes(forms.read_bytes()[:-1] + b"?")
    with pytest.raises(ChangedFileError, match=FORMS):
        shelf_of(deployed, encoders)
    assert codes(serving)


def test_checks_begun_before_serve_one_opening(deployed: Deployment) -> None:
    forms = deployed.root / deployed.indexes["one"] / FORMS
    holdings = [Holding("icd-10-cm", index=deployed.indexes["one"])]
    with ThreadPoolExecutor(1) as threads:
        checks = EarlyChecks(threads)
        checks.begin(deployed.settings.artifacts, "icd-10-cm", index=deployed.indexes["one"])
        for damage in (False, True):
            if damage:
                forms.write_bytes(forms.read_bytes()[:-1] + b"?")
            with ahead.Ahead(deployed.settings.artifacts, holdings, [], checks) as begun:
                entry = read_manifest(forms.parent).files[FORMS]
                if damage:
                    with pytest.raises(ChangedFileError):
                        begun.check(forms, entry)
                else:
                    begun.check(forms, entry)


def test_errors_come_in_the_order_of_opening(deployed: Deployment, tmp_path: Path) -> None:
    (tmp_path / "site.calibration.json.gz").write_bytes(b"broken")
    with pytest.raises(CalibrationError):
        shelf_of(deployed, Encoders(), "one", tmp_path)
    shutil.rmtree(deployed.root / deployed.indexes["one"])
    with pytest.raises(ArtifactError) as index_first:
        shelf_of(deployed, Encoders(), "one", tmp_path)
    assert not isinstance(index_first.value, CalibrationError)
    assert deployed.settings.model is not None
    (deployed.settings.model / "config.json").unlink()
    with pytest.raises(CheckpointError):
        shelf_of(deployed, Encoders(), "one", tmp_path)


def test_calibrations_are_read_once_for_all_code_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read: list[Sequence[Path]] = []

    def read_all(folders: Sequence[Path]) -> list[tuple[Calibration, Path]]:
        read.append(folders)
        return []

    monkeypatch.setattr(ahead, "read_all", read_all)
    with ahead.Ahead(tmp_path, [Holding("a"), Holding("b")], [tmp_path]) as begun:
        assert begun.calibrations("m1") == begun.calibrations("m1") == {}
        begun.wait_for_words()
    assert read == [[SHIPPED, tmp_path]]
