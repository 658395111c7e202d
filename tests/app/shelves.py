"""A shelf of four tiny code sets around one stand-in encoder: two editions of ICD-10-CM, a PCS and an ICD-9-CM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.pipeline.pipeline import CodingPipeline
from app.pipeline.shelf import Shelf
from index_builder.build import build
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.crosswalk.artifact import GemFile, build_crosswalk, open_crosswalk
from index_builder.loader import load
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

CM, OLD, PCS, ICD9 = "icd-10-cm 2026-04", "icd-10-cm 2025-10", "icd-10-pcs 2026-04", "icd-9-cm 2014"
PCS_SYSTEM = "http://www.cms.gov/Medicare/Coding/ICD10"


class Cm(FakeCodeSet):
    name, edition, system = "icd-10-cm", "2026-04", "http://hl7.org/fhir/sid/icd-10-cm"


class OldCm(Cm):
    edition = "2025-10"


class Listed:
    """Codes with a title each and nothing else."""

    def __init__(self, name: str, edition: str, system: str, titles: dict[str, str]) -> None:
        self.name, self.edition, self.system = name, edition, system
        self._titles = titles

    def codes(self) -> Sequence[Code]:
        return [Code(code, title, None, True, {}) for code, title in sorted(self._titles.items())]

    def forms(self) -> Iterator[SurfaceForm]:
        return (SurfaceForm(code, title, FormSource.TITLE) for code, title in self._titles.items())


def code_sets() -> tuple[Cm, OldCm, Listed, Listed]:
    procedures = {"0DTJ4ZZ": "laparoscopic appendectomy", "0DJD8ZZ": "colonoscopy"}
    diseases = {"250.00": "type 2 diabetes mellitus", "540.9": "acute appendicitis", "365.70": "glaucoma stage"}
    return (
        Cm(),
        OldCm(),
        Listed("icd-10-pcs", "2026-04", PCS_SYSTEM, procedures),
        Listed("icd-9-cm", "2014", "http://hl7.org/fhir/sid/icd-9-cm", diseases),
    )


def build_shelf(folder: Path, encoder: FakeEncoder) -> Shelf:
    """The four indexes and a cross-walk below `folder`, opened."""
    for code_set in code_sets():
        build(code_set, encoder, folder, builder_version="test")
    to_10, to_9 = folder / "I9.txt", folder / "I10.txt"
    to_10.write_text("25000 E11     10000\n25000 Z999    10000\n36570 NoDx    11000\n5409  K35     10111\n")
    to_9.write_text("E11     25000 10000\n")
    files = [GemFile("icd-9-cm", "icd-10-cm", to_10), GemFile("icd-10-cm", "icd-9-cm", to_9)]
    build_crosswalk(files, "2018", folder, "test")
    opened = [load(folder, one.name, encoder, edition=one.edition) for one in code_sets()]
    return Shelf([CodingPipeline(encoder, index) for index in opened], open_crosswalk(folder))
