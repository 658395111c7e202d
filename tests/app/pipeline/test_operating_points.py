"""The whole pipeline over indexes that keep fewer dimensions: it reads notes at the same width and still cites them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.loader import load
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

TEXT = "Seen today. He has low back pain since lifting boxes.\nAssessment: hay fever; fracture of skull."
OPTIONS = CodingOptions(assertion="annotate", top_k=5)


@pytest.mark.parametrize("keep", [64, 128, 256, 768])
def test_findings_are_coded_with_evidence_at_every_operating_point(tmp_path: Path, keep: int) -> None:
    encoder = FakeEncoder()
    build(FakeCodeSet(), encoder, tmp_path, builder_version="test", keep=keep)
    pipeline = CodingPipeline(encoder, load(tmp_path, "fake", encoder))
    [coding] = pipeline.code([Note((Document(TEXT),))], [OPTIONS])
    found = {item.code: item for item in coding.codes + coding.candidates}
    for code, words in (("M54", "low back pain"), ("J30", "hay fever")):
        assert [TEXT[e.start : e.end] for e in found[code].evidence] == [words]
        assert set(found[code].stage_scores) == {"64", "256", "768"}
    trace = pipeline.trace(Note((Document(TEXT),)), replace(OPTIONS, top_k=5), exact=True, prefixes=True)
    assert sorted(trace.prefixes) == [d for d in (64, 128, 256, 768) if d <= keep]
    assert trace.exact768 is not None and trace.exact768.codes[:2] == trace.attend.codes[:2]


def test_stages_beyond_what_is_kept_repeat_the_widest_score(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    build(FakeCodeSet(), encoder, tmp_path, builder_version="test", keep=64)
    pipeline = CodingPipeline(encoder, load(tmp_path, "fake", encoder))
    [coding] = pipeline.code([Note((Document(TEXT),))], [OPTIONS])
    for item in coding.codes:
        assert item.stage_scores["256"] == item.stage_scores["768"]
