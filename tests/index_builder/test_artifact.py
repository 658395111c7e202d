from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index_builder import publish as publishing
from index_builder.build import build
from index_builder.checking import EarlyChecks
from index_builder.errors import (
    ArtifactError,
    ChangedFileError,
    GoldenMismatchError,
    InconsistentError,
    ManifestError,
    MissingFileError,
    ModelMismatchError,
    TruncatedFileError,
)
from index_builder.loader import load, load_folder
from index_builder.manifest import CATALOG, FORMS, MANIFEST, Manifest, read_manifest
from model.checkpoint import sha256_of
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

FILES = (CATALOG, FORMS, "search64.faiss")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("artifacts")
    build(FakeCodeSet(), FakeEncoder(), artifacts, builder_version="1")
    return artifacts


@pytest.fixture
def artifacts(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "artifacts"))


def folder_of(artifacts: Path) -> Path:
    return publishing.current(artifacts / "fake")


def refused(artifacts: Path, expected: type[ArtifactError], file: str, encoder: FakeEncoder | None = None) -> str:
    with pytest.raises(expected) as caught:
        load(artifacts, "fake", encoder or FakeEncoder())
    assert caught.value.file.endswith(file)
    return str(caught.value)


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def rewrite(artifacts: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change the manifest and rename the folder to the hash that now fits, as a careless hand would not."""
    folder = folder_of(artifacts)
    content = json.loads((folder / MANIFEST).read_text())
    change(content)
    (folder / MANIFEST).write_text(json.dumps(content))
    target = folder.with_name(read_manifest(folder).content_hash())
    folder.rename(target)
    publishing.point(artifacts / "fake", target.name)


def test_intact_artifact_loads_and_reports_what_was_checked(artifacts: Path) -> None:
    said: list[str] = []
    index = load(artifacts, "fake", FakeEncoder(), report=said.append)
    assert index.catalog.code_count == index.manifest.counts.codes
    for name in FILES:
        assert any(name in line for line in said)
    assert any("golden" in line for line in said)
    index.close()


def test_loading_leaves_every_byte_as_it_was(artifacts: Path) -> None:
    for _ in range(2):
        load(artifacts, "fake", FakeEncoder()).close()
    assert {path.name for path in folder_of(artifacts).iterdir()} == {*FILES, MANIFEST}


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused(artifacts: Path, name: str) -> None:
    flip(folder_of(artifacts) / name)
    assert "changed" in refused(artifacts, ChangedFileError, name)


@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_refused(artifacts: Path, name: str) -> None:
    path = folder_of(artifacts) / name
    path.write_bytes(path.read_bytes()[:-1])
    assert "truncated" in refused(artifacts, TruncatedFileError, name)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_missing_file_is_refused(artifacts: Path, name: str) -> None:
    (folder_of(artifacts) / name).unlink()
    refused(artifacts, MissingFileError, name)


@pytest.mark.parametrize("damaged", [None, *FILES])
def test_files_that_were_checked_early_are_not_read_again(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, damaged: str | None
) -> None:
    folder, hashed = folder_of(artifacts), list[str]()

    def hash_of(path: Path) -> str:
        hashed.append(path.name)
        return sha256_of(path)

    if damaged is not None:
        flip(folder / damaged)
    monkeypatch.setattr("index_builder.publish.sha256_of", hash_of)
    with ThreadPoolExecutor(1) as threads:
        checks = EarlyChecks(threads)
        checks.begin(artifacts, "fake")
    assert hashed == sorted(FILES)
    if damaged is None:
        load_folder(folder, FakeEncoder(), check=checks.check).close()
    else:
        with pytest.raises(ChangedFileError, match=damaged):
            load_folder(folder, FakeEncoder(), check=checks.check)
    assert hashed == sorted(FILES)


def test_other_model_is_named_before_a_changed_file(artifacts: Path) -> None:
    folder = folder_of(artifacts)
    flip(folder / FORMS)
    with ThreadPoolExecutor(1) as threads:
        checks = EarlyChecks(threads)
        checks.begin(artifacts, "fake")
        with pytest.raises(ModelMismatchError):
            load_folder(folder, FakeEncoder("other"), check=checks.check)


def test_what_was_forgotten_is_read_again(artifacts: Path) -> None:
    folder = folder_of(artifacts)
    entry = read_manifest(folder).files[FORMS]
    with ThreadPoolExecutor(1) as threads:
        checks = EarlyChecks(threads)
        checks.begin(artifacts, "fake")
        checks.check(folder / FORMS, entry)
        flip(folder / FORMS)
        checks.check(folder / FORMS, entry)  # as it was when it was read
        checks.forget()
        checks.begin(artifacts, "fake", index=folder.name)
        with pytest.raises(ChangedFileError):
            checks.check(folder / FORMS, entry)


def test_what_was_not_begun_is_checked_when_it_is_asked_for(artifacts: Path, tmp_path: Path) -> None:
    folder = folder_of(artifacts)
    with ThreadPoolExecutor(1) as threads:
        checks = EarlyChecks(threads)
        checks.begin(tmp_path, "nothing")  # the loader will name it
        entry = read_manifest(folder).files[FORMS]
        checks.check(folder / FORMS, entry)
        flip(folder / FORMS)
        with pytest.raises(ChangedFileError):
            checks.check(folder / FORMS, entry)


def test_nothing_built_yet_names_the_pointer(tmp_path: Path) -> None:
    refused(tmp_path, MissingFileError, "current")


def test_pointer_that_leaves_the_folder_is_refused(artifacts: Path) -> None:
    (artifacts / "fake" / "current").write_text("../../elsewhere")
    refused(artifacts, ManifestError, "current")


def test_other_model_version_is_refused_naming_both(artifacts: Path) -> None:
    message = refused(artifacts, ModelMismatchError, MANIFEST, FakeEncoder("fake-2"))
    assert "fake-1" in message
    assert "fake-2" in message


def test_edited_manifest_is_refused(artifacts: Path) -> None:
    path = folder_of(artifacts) / MANIFEST
    path.write_text(path.read_text().replace("2001-01", "2001-02"))
    refused(artifacts, ChangedFileError, MANIFEST)


def test_golden_query_with_another_code_is_refused(artifacts: Path) -> None:
    rewrite(artifacts, lambda content: content["golden"][0].update(code="W11"))  # type: ignore[index]
    assert "W11" in refused(artifacts, GoldenMismatchError, MANIFEST)


def test_golden_query_with_another_score_is_refused(artifacts: Path) -> None:
    rewrite(artifacts, lambda content: content["golden"][3].update(score=0.1))  # type: ignore[index]
    refused(artifacts, GoldenMismatchError, MANIFEST)


def test_counts_that_do_not_fit_the_files_are_refused(artifacts: Path) -> None:
    rewrite(artifacts, lambda content: content["counts"].update(forms=3))  # type: ignore[attr-defined]
    refused(artifacts, InconsistentError, CATALOG)


@pytest.mark.parametrize(
    ("field", "value"), [("format", 2), ("golden", None), ("prefixes", ["64"]), ("counts", {"codes": 1}), ("extra", 1)]
)
def test_manifest_of_another_shape_is_refused_naming_the_field(artifacts: Path, field: str, value: object) -> None:
    path = folder_of(artifacts) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert field in refused(artifacts, ManifestError, MANIFEST)


def test_without_an_encoder_files_are_still_checked(artifacts: Path) -> None:
    load(artifacts, "fake", None).close()
    (folder_of(artifacts) / FORMS).write_bytes(b"")
    with pytest.raises(TruncatedFileError):
        load(artifacts, "fake", None)


def test_crash_before_the_rename_leaves_current_untouched(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = folder_of(artifacts)

    def crash(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", crash)
        with pytest.raises(OSError, match="power cut"):
            build(FakeCodeSet(), FakeEncoder("fake-2"), artifacts, builder_version="1")
    assert folder_of(artifacts) == before
    load(artifacts, "fake", FakeEncoder()).close()


def test_new_artifact_becomes_current_and_the_old_one_is_kept(artifacts: Path) -> None:
    before = folder_of(artifacts)
    after = build(FakeCodeSet(), FakeEncoder("fake-2"), artifacts, builder_version="1")
    assert folder_of(artifacts) == after != before
    load(artifacts, "fake", FakeEncoder("fake-2")).close()
    load_folder(before, FakeEncoder()).close()


def test_building_again_replaces_a_damaged_artifact(artifacts: Path) -> None:
    folder = folder_of(artifacts)
    (folder / FORMS).write_bytes(b"")
    assert build(FakeCodeSet(), FakeEncoder(), artifacts, builder_version="1") == folder
    load(artifacts, "fake", FakeEncoder()).close()


def test_created_time_is_outside_the_content_hash(artifacts: Path) -> None:
    manifest = read_manifest(folder_of(artifacts))
    later = Manifest(**{f: getattr(manifest, f) for f in Manifest.__slots__} | {"created": "2099-01-01"})
    assert later.content_hash() == manifest.content_hash()
