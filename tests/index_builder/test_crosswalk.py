"""General equivalence mappings: read, kept as an artifact, refused when damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from index_builder.crosswalk.artifact import FOLDER, Crosswalk, GemFile, build_crosswalk, open_crosswalk
from index_builder.crosswalk.gem import Mapping, read_gem
from index_builder.errors import ChangedFileError, CodeSetError
from index_builder.publish import current

TO_10 = "25000 E119    10000\n11501 B394    10111\n11501 G02     10112\nE8809 W109    10000\n36570 NoDx    11000\n"
TO_9 = "E119    25000 10000\nW109    E8809 10000\n"
PROCEDURES = "3961  5A1221Z 10000\n"


@pytest.fixture
def files(tmp_path: Path) -> list[GemFile]:
    for name, content in (("I9.txt", TO_10), ("I10.txt", TO_9), ("pcs.txt", PROCEDURES)):
        (tmp_path / name).write_text(content)
    return [
        GemFile("icd-9-cm", "icd-10-cm", tmp_path / "I9.txt"),
        GemFile("icd-10-cm", "icd-9-cm", tmp_path / "I10.txt"),
        GemFile("icd-9-cm", "icd-10-pcs", tmp_path / "pcs.txt"),
    ]


@pytest.fixture
def artifacts(files: list[GemFile], tmp_path: Path) -> Path:
    build_crosswalk(files, "2018", tmp_path / "artifacts", "test")
    return tmp_path / "artifacts"


def opened(artifacts: Path) -> Crosswalk:
    crosswalk = open_crosswalk(artifacts)
    assert crosswalk is not None
    return crosswalk


def targets(crosswalk: Crosswalk, code_set: str, code: str) -> dict[str, list[str | None]]:
    return {pair.target: [one.target for one in mappings] for pair, mappings in crosswalk.of(code_set, code)}


def test_codes_are_mapped_both_ways_with_their_dots(artifacts: Path) -> None:
    crosswalk = opened(artifacts)
    assert targets(crosswalk, "icd-9-cm", "250.00") == {"icd-10-cm": ["E11.9"]}
    assert targets(crosswalk, "icd-10-cm", "E11.9") == {"icd-9-cm": ["250.00"]}
    assert targets(crosswalk, "icd-9-cm", "E880.9") == {"icd-10-cm": ["W10.9"]}
    assert targets(crosswalk, "icd-9-cm", "39.61") == {"icd-10-pcs": ["5A1221Z"]}
    assert crosswalk.of("icd-10-cm", "Z99.9") == crosswalk.of("icd-9-cm", "396.1") == []
    crosswalk.close()


def test_flags_are_kept(artifacts: Path) -> None:
    crosswalk = opened(artifacts)
    [(pair, mappings)] = crosswalk.of("icd-9-cm", "115.01")
    assert (pair.edition, pair.sources, pair.mappings) == ("2018", 4, 5)
    assert mappings == [
        Mapping("115.01", "B39.4", approximate=True, combination=True, scenario=1, choice=1),
        Mapping("115.01", "G02", approximate=True, combination=True, scenario=1, choice=2),
    ]
    [(_, [none])] = crosswalk.of("icd-9-cm", "365.70")
    assert (none.target, none.combination) == (None, False)
    crosswalk.close()


def test_the_same_files_make_the_same_artifact(files: list[GemFile], artifacts: Path) -> None:
    before = current(artifacts / FOLDER)
    assert build_crosswalk(files[::-1], "2018", artifacts, "test") == before


def test_a_damaged_crosswalk_is_refused_and_built_anew(files: list[GemFile], artifacts: Path) -> None:
    file = current(artifacts / FOLDER) / "crosswalk.sqlite"
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    with pytest.raises(ChangedFileError, match=r"crosswalk\.sqlite: changed"):
        open_crosswalk(artifacts)
    build_crosswalk(files, "2018", artifacts, "test")
    opened(artifacts).close()


def test_without_a_build_there_is_none(tmp_path: Path) -> None:
    assert open_crosswalk(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [("E119 25000\n", "line 1: expected"), ("E119 25000 10200\n", "line 1"), ("é119 25000 10000\n", "not ASCII")],
)
def test_a_malformed_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "gem.txt").write_text(content, encoding="utf-8")
    with pytest.raises(CodeSetError, match=message):
        list(read_gem(tmp_path / "gem.txt", "icd-10-cm", "icd-9-cm"))


def test_directions_are_known_and_given_once(files: list[GemFile], tmp_path: Path) -> None:
    with pytest.raises(CodeSetError, match="no mapping between icd-10-cm and icd-10-pcs"):
        list(read_gem(files[0].file, "icd-10-cm", "icd-10-pcs"))
    with pytest.raises(CodeSetError, match="a second file"):
        build_crosswalk([files[0], files[0]], "2018", tmp_path / "artifacts", "test")
