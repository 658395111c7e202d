"""The assertion traps through the whole pipeline with the shipped model, over the codes that they are about.

A third of the traps, to save time; `icd-cascade evaluate --corpus assertion-traps` takes all, over the whole code set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.evaluation.assertion_measure import TrapsMeasured, measure_traps
from app.evaluation.assertion_traps import Trap, read_traps
from app.pipeline.calibration import SHIPPED, load_all
from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import Code, SurfaceForm
from index_builder.loader import load
from model.backends import open_encoder

FOLDER = Path(__file__).parent / "assertion_traps"
MOST_FORMS = 80  # of one category; fractures alone would be most of the index


class Slice:
    """The categories that some traps are about, without those of very many wordings."""

    def __init__(self, traps: Sequence[Trap]) -> None:
        self._whole = ICD10CM()
        self.name, self.edition, self.system = self._whole.name, self._whole.edition, self._whole.system
        wanted = {c[:3] for trap in traps for c in (*trap.offers, *(c for f in trap.findings for c in f.codes))}
        self._forms = [form for form in self._whole.forms() if form.code[:3] in wanted]
        counted = Counter(form.code[:3] for form in self._forms)
        self._categories = {category for category, forms in counted.items() if forms <= MOST_FORMS}

    def codes(self) -> Sequence[Code]:
        return [code for code in self._whole.codes() if code.code[:3] in self._categories]

    def forms(self) -> Iterator[SurfaceForm]:
        return (form for form in self._forms if form.code[:3] in self._categories)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> TrapsMeasured:
    traps = read_traps(FOLDER)[::3]
    artifacts, encoder = tmp_path_factory.mktemp("artifacts"), open_encoder()
    build(Slice(traps), encoder, artifacts, builder_version="test")
    calibrations = load_all([SHIPPED], encoder.info.version)
    pipeline = CodingPipeline(encoder, load(artifacts, "icd-10-cm", encoder), calibrations=calibrations)
    return measure_traps(pipeline, traps, "general", lambda *_: None)


def test_nothing_leaks_into_codes(measured: TrapsMeasured) -> None:
    assert measured.leaks == ()


def test_no_finding_that_is_to_be_coded_is_lost(measured: TrapsMeasured) -> None:
    assert measured.lost == ()


def test_most_findings_are_there_to_be_lost(measured: TrapsMeasured) -> None:
    assert measured.findings_coded > 15
