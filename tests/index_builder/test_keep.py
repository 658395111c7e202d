"""Operating points: artifacts that store 64, 128 or 256 dimensions of every form, built so or narrowed later."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from index_builder import publish as publishing
from index_builder.build import build
from index_builder.errors import ManifestError
from index_builder.loader import load, load_folder
from index_builder.manifest import FORMS, MANIFEST, read_manifest
from index_builder.narrow import narrow
from model.encoder import embed
from model.nested import prefix
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(
        FakeCodeSet(), FakeEncoder(), tmp_path_factory.mktemp("whole"), builder_version="1", prefixes=(64, 128)
    )


@pytest.mark.parametrize("keep", [64, 128, 256, 768])
def test_a_form_keeps_its_first_dimensions(whole: Path, tmp_path: Path, keep: int) -> None:
    folder = build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1", keep=keep)
    encoder = FakeEncoder()
    index, full = load_folder(folder, encoder), load_folder(whole, encoder)
    assert index.manifest.dimensions == keep
    assert (folder / FORMS).stat().st_size == index.manifest.counts.forms * keep * 2
    rows = np.arange(index.manifest.counts.forms)
    np.testing.assert_array_equal(index.vectors(rows), prefix(full._forms[rows], keep))
    queries = prefix(embed(encoder, ["low back pain", "shingles"]), keep)
    one, other = index.search_exact(queries, 5), full.search_exact(queries, 5)
    assert one.positions.tolist() == other.positions.tolist()
    np.testing.assert_array_equal(one.scores, other.scores)
    with pytest.raises(ValueError, match="dimensions"):
        index.search_exact(np.zeros((1, keep + 1), dtype=np.float32), 5)


@pytest.mark.parametrize("keep", [64, 128])
def test_a_narrowed_artifact_is_the_one_that_would_have_been_built(whole: Path, tmp_path: Path, keep: int) -> None:
    prefixes = tuple(d for d in (64, 128) if d <= keep)
    built = build(FakeCodeSet(), FakeEncoder(), tmp_path / "a", builder_version="1", prefixes=prefixes, keep=keep)
    narrowed = narrow(whole, tmp_path / "b", keep, FakeEncoder(), builder_version="1")
    assert narrowed.name == built.name
    for name in read_manifest(built).files:
        assert (narrowed / name).read_bytes() == (built / name).read_bytes()
    load(tmp_path / "b", "fake", FakeEncoder()).close()


def test_what_cannot_be_kept_is_refused(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"keep 800 must be within 1\.\.768"):
        build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1", keep=800)
    with pytest.raises(ValueError, match=r"within 1\.\.64"):
        build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1", prefixes=(64, 128), keep=64)
    with pytest.raises(ValueError, match=r"within 64\.\.768"):
        narrow(whole, tmp_path, 32, FakeEncoder(), builder_version="1")


def test_an_index_wider_than_its_forms_is_refused(tmp_path: Path) -> None:
    folder = build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1")
    content = json.loads((folder / MANIFEST).read_text())
    content["dimensions"] = 32
    (folder / MANIFEST).write_text(json.dumps(content))
    target = folder.with_name(read_manifest(folder).content_hash())
    folder.rename(target)
    publishing.point(tmp_path / "fake", target.name)
    with pytest.raises(ManifestError, match="dimensions 32 outside 64..768"):
        load(tmp_path, "fake", None)
