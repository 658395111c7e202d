"""An index names what it was made of, and is not encoded again where that turns out to be the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from index_builder.build import build
from index_builder.codesets.inputs import packaged_inputs
from index_builder.codesets.protocol import FormSource, KnownInputs, SurfaceForm
from index_builder.loader import load
from index_builder.manifest import FORMS, MANIFEST, read_manifest
from index_builder.publish import current
from index_builder.tables.abbreviations import ABBREVIATIONS
from index_builder.tables.wordings import WORDINGS
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


class Told(FakeCodeSet):
    """A code set that tells what it was read from."""

    def __init__(self, hash: str, *more: str) -> None:
        self._hash, self._more = hash, more

    def inputs(self) -> str:
        return self._hash

    def forms(self) -> Iterator[SurfaceForm]:
        yield from super().forms()
        yield from (SurfaceForm("I10", text, FormSource.CLINICIAN) for text in self._more)


def built(code_set: FakeCodeSet, artifacts: Path, encoder: FakeEncoder | None = None) -> Path:
    return build(code_set, encoder or FakeEncoder(), artifacts, builder_version="1", reuse=True)


def test_manifest_names_the_inputs_and_its_hash_does_not_depend_on_them(tmp_path: Path) -> None:
    told, untold = built(Told("a"), tmp_path / "told"), built(FakeCodeSet(), tmp_path / "untold")
    assert (read_manifest(told).inputs, read_manifest(untold).inputs) == ("a", None)
    assert told.name == untold.name


def test_manifest_from_before_inputs_were_written_down_is_read(tmp_path: Path) -> None:
    folder = built(Told("a"), tmp_path)
    content = json.loads((folder / MANIFEST).read_text())
    del content["inputs"]
    (folder / MANIFEST).write_text(json.dumps(content))
    assert read_manifest(folder).inputs is None
    load(tmp_path, "fake", FakeEncoder()).close()


def test_other_inputs_with_the_same_wordings_are_written_down_and_nothing_is_encoded(tmp_path: Path) -> None:
    folder, encoder = built(Told("a"), tmp_path), FakeEncoder()
    made = (folder / FORMS).stat().st_ino
    assert built(Told("b"), tmp_path, encoder) == folder
    assert (read_manifest(folder).inputs, encoder.calls) == ("b", [])
    assert (folder / FORMS).stat().st_ino == made
    load(tmp_path, "fake", FakeEncoder()).close()


@pytest.mark.parametrize("change", ["wording", "model", "damage"])
def test_what_is_not_the_same_is_built(tmp_path: Path, change: str) -> None:
    first = built(Told("a"), tmp_path)
    encoder = FakeEncoder("fake-2" if change == "model" else "fake-1")
    if change == "damage":
        (first / FORMS).write_bytes(bytes((first / FORMS).stat().st_size))
    second = built(Told("b", *(["raised blood pressure"] if change == "wording" else [])), tmp_path, encoder)
    assert encoder.calls
    assert read_manifest(second).inputs == "b"
    assert current(tmp_path / "fake") == second
    assert (second == first) == (change == "damage")
    load(tmp_path, "fake", encoder).close()


def test_a_full_build_of_the_same_content_keeps_the_files_and_names_the_inputs(tmp_path: Path) -> None:
    folder = built(Told("a"), tmp_path)
    made = (folder / FORMS).stat().st_ino
    assert build(Told("b"), FakeEncoder(), tmp_path, builder_version="1") == folder
    assert (read_manifest(folder).inputs, (folder / FORMS).stat().st_ino) == ("b", made)


def test_every_table_changes_the_packaged_inputs(tmp_path: Path) -> None:
    wordings = Path(shutil.copytree(WORDINGS, tmp_path / "wordings"))
    abbreviations = Path(shutil.copy(ABBREVIATIONS, tmp_path))
    seen = {packaged_inputs(), packaged_inputs(terms=None)}
    assert packaged_inputs(abbreviations=abbreviations, wordings=wordings) in seen
    for file in (abbreviations, *sorted(wordings.glob("*.tsv"))):
        with file.open("a", encoding="utf-8") as stream:
            stream.write("I10\tpressure too high\n")
        seen.add(packaged_inputs(abbreviations=abbreviations, wordings=wordings))
    (wordings / "more.tsv").write_text("I10\tpressure far too high\n")
    seen.add(packaged_inputs(abbreviations=abbreviations, wordings=wordings))
    assert len(seen) == 2 + 1 + len(list(WORDINGS.glob("*.tsv"))) + 1


def test_the_packaged_code_set_tells_its_inputs(icd10cm: object) -> None:
    assert isinstance(icd10cm, KnownInputs)
    assert icd10cm.inputs() == packaged_inputs()
