"""The real pipeline over a small index: every stage runs, only the encoder is a stand-in."""

from __future__ import annotations

import pytest

from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.loader import load
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> CodingPipeline:
    artifacts = tmp_path_factory.mktemp("artifacts")
    encoder = FakeEncoder()
    build(FakeCodeSet(), encoder, artifacts, builder_version="test")
    return CodingPipeline(encoder, load(artifacts, "fake", encoder))
