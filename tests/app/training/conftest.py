"""A pipeline over the tiny code set with the stand-in encoder, and a corpus whose words its forms have."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.loader import load
from tests.app.training.corpus import write_corpus
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


@pytest.fixture(scope="session")
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory, encoder: FakeEncoder) -> CodingPipeline:
    artifacts = tmp_path_factory.mktemp("artifacts")
    build(FakeCodeSet(), encoder, artifacts, builder_version="test")
    return CodingPipeline(encoder, load(artifacts, "fake", encoder))


@pytest.fixture(scope="session")
def codiesp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("codiesp"))
