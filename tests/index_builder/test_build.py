from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index_builder.build import build
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.embedding import chunk_bounds, split_form
from index_builder.errors import BuildLockedError, CodeSetError
from index_builder.loader import load, load_folder
from index_builder.manifest import FORMS, read_manifest
from model.nested import normalise
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

SMALL = 150  # characters per chunk: about a dozen chunks

KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
from index_builder.build import build
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

def die_at_the_fourth_chunk():
    if len(encoder.calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)

encoder = FakeEncoder(before=die_at_the_fourth_chunk)
build(FakeCodeSet(), encoder, Path(sys.argv[1]), builder_version="1", batch_characters=150)
"""


def encoded(encoder: FakeEncoder) -> list[str]:
    return [text for call in encoder.calls[:-1] for text in call]  # the last call is the golden queries


def test_killed_build_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    killed, whole = FakeEncoder(), FakeEncoder()
    unbroken = build(FakeCodeSet(), whole, tmp_path / "a", builder_version="1", batch_characters=SMALL)
    outcome = subprocess.run([sys.executable, "-c", KILLED_BUILD, str(tmp_path / "b")], check=False)
    assert outcome.returncode == -signal.SIGKILL
    assert not (tmp_path / "b" / "fake" / "current").exists()
    resumed = build(FakeCodeSet(), killed, tmp_path / "b", builder_version="1", batch_characters=SMALL)
    assert killed.calls == whole.calls[3:]
    assert resumed.name == unbroken.name
    for name in read_manifest(unbroken).files:
        assert (resumed / name).read_bytes() == (unbroken / name).read_bytes()


def test_ctrl_c_leaves_finished_chunks_and_damaged_ones_are_encoded_again(tmp_path: Path) -> None:
    def press() -> None:
        if len(stopped.calls) == 4:
            raise KeyboardInterrupt

    stopped = FakeEncoder(before=press)
    with pytest.raises(KeyboardInterrupt):
        build(FakeCodeSet(), stopped, tmp_path, builder_version="1", batch_characters=SMALL)
    chunks = sorted(tmp_path.glob("fake/.work/*/chunk-*.npz"))
    assert len(chunks) == 4
    chunks[1].write_bytes(chunks[1].read_bytes()[:-30])
    again = FakeEncoder()
    build(FakeCodeSet(), again, tmp_path, builder_version="1", batch_characters=SMALL)
    assert again.calls[0] == stopped.calls[1]
    assert not set(stopped.calls[2]) & set(encoded(again))
    assert not (tmp_path / "fake" / ".work").exists()


def test_chunks_of_another_model_are_not_reused(tmp_path: Path) -> None:
    def press() -> None:
        if len(stopped.calls) == 2:
            raise KeyboardInterrupt

    stopped = FakeEncoder(before=press)
    with pytest.raises(KeyboardInterrupt):
        build(FakeCodeSet(), stopped, tmp_path, builder_version="1", batch_characters=SMALL)
    other = FakeEncoder("fake-2")
    build(FakeCodeSet(), other, tmp_path, builder_version="1", batch_characters=SMALL)
    assert other.calls[:2] == stopped.calls


def test_each_wording_is_encoded_once_and_extensions_apart(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    build(FakeCodeSet(), encoder, tmp_path, builder_version="1", batch_characters=SMALL)
    texts = encoded(encoder)
    assert len(texts) == len(set(texts))
    assert "subsequent encounter" in texts
    assert "fracture of knee" in texts
    assert "fracture of knee, subsequent encounter" not in texts
    assert "pneumonia, unspecified organism" in texts


def test_form_vector_is_the_projected_mean_over_all_its_tokens(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    index = load_folder(build(FakeCodeSet(), encoder, tmp_path, builder_version="1"), encoder)
    row = next(r for r in range(index.catalog.form_count) if index.catalog.form(r).extension)
    text = index.catalog.form(row).text
    expected = normalise(encoder.project(encoder.encode([text]).pool()))
    np.testing.assert_allclose(index.vectors(np.array([row])), expected, atol=1e-3)
    index.close()


def test_manifest_counts_tokens_of_forms_and_of_pieces(tmp_path: Path) -> None:
    folder = build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1", prefixes=(128, 64))
    manifest = read_manifest(folder)
    assert manifest.prefixes == (64, 128)
    assert manifest.counts.piece_tokens < manifest.counts.form_tokens
    assert (folder / FORMS).stat().st_size == manifest.counts.forms * 768 * 2
    assert len(manifest.golden) == 20


def test_progress_ends_every_stage(tmp_path: Path) -> None:
    said: dict[str, tuple[int, int]] = {}

    def hear(stage: str, done: int, total: int) -> None:
        said[stage] = (done, total)

    build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1", progress=hear)
    assert list(said) == ["catalog", "encode", "write", "golden"]
    assert all(done == total > 0 for done, total in said.values())


def test_second_build_of_the_same_code_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fake").mkdir()
    with (tmp_path / "fake" / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BuildLockedError):
            build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1")
    build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="1")
    load(tmp_path, "fake", FakeEncoder()).close()


class FormlessCodeSet(FakeCodeSet):
    def codes(self) -> list[Code]:
        return [*super().codes(), Code("Z99", "a code without a form", None, True, {})]

    def forms(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return (form for form in super().forms() if form.code != "Z99")


def test_code_without_a_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodeSetError):
        build(FormlessCodeSet(), FakeEncoder(), tmp_path, builder_version="1")


def test_form_is_split_at_its_extension_only() -> None:
    text = "burn of arm, left, initial encounter"
    assert split_form(SurfaceForm("T1", text, FormSource.TITLE, 17)) == ("burn of arm, left", "initial encounter")
    assert split_form(SurfaceForm("T1", text, FormSource.TITLE)) == (text, "")


def test_chunks_cover_all_pieces_within_the_budget() -> None:
    pieces = sorted(("x" * n for n in [1, 2, 3, 5, 8, 13, 21, 34, 55]), key=len)
    bounds = chunk_bounds(pieces, 40)
    assert [row for start, end in bounds for row in range(start, end)] == list(range(len(pieces)))
    assert all((end - start) * len(pieces[end - 1]) <= 40 or end - start == 1 for start, end in bounds)
    assert chunk_bounds([], 40) == []
