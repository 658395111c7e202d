"""Several editions of one code set side by side: each keeps its artifact, the last one built is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from index_builder.build import build
from index_builder.errors import MissingFileError
from index_builder.loader import load
from index_builder.publish import EDITIONS, current, edition_of, of_edition, point
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


class Later(FakeCodeSet):
    edition = "2002-01"


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    for code_set in (FakeCodeSet(), Later()):
        build(code_set, FakeEncoder(), folder, builder_version="test")
    return folder


def test_the_last_edition_is_current_and_both_can_be_loaded(artifacts: Path) -> None:
    editions = {}
    for edition in (None, "2001-01", "2002-01"):
        index = load(artifacts, "fake", FakeEncoder(), edition=edition)
        editions[edition] = index.catalog.edition
        index.close()
    assert editions == {None: "2002-01", "2001-01": "2001-01", "2002-01": "2002-01"}


def test_an_edition_that_was_current_before_pointers_keeps_its_place(tmp_path: Path) -> None:
    build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="test")
    before = current(tmp_path / "fake")
    (tmp_path / "fake" / EDITIONS / "2001-01").unlink()  # as an artifact of an earlier version stands
    build(Later(), FakeEncoder(), tmp_path, builder_version="test")
    assert of_edition(tmp_path / "fake", "2001-01") == before


def test_what_is_pointed_at_wins_for_its_edition(tmp_path: Path) -> None:
    first = build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="one")
    second = build(FakeCodeSet(), FakeEncoder(), tmp_path, builder_version="two")
    assert of_edition(tmp_path / "fake", "2001-01") == second != first
    point(tmp_path / "fake", first.name)
    assert of_edition(tmp_path / "fake", "2001-01") == first
    assert edition_of(first) == "2001-01"


@pytest.mark.parametrize("edition", ["2003-01", "../2001-01", ""])
def test_an_edition_that_was_not_built_is_missing(artifacts: Path, edition: str) -> None:
    with pytest.raises(MissingFileError):
        of_edition(artifacts / "fake", edition)
