"""The real pipeline over a small index: every stage runs, only the encoder is a stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.catalog import Catalog
from index_builder.loader import load
from tests.app.pipeline.named_set import NamedSet
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> CodingPipeline:
    artifacts = tmp_path_factory.mktemp("artifacts")
    encoder = FakeEncoder()
    build(FakeCodeSet(), encoder, artifacts, builder_version="test")
    return CodingPipeline(encoder, load(artifacts, "fake", encoder))


@pytest.fixture(scope="session")
def named_catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    written = Catalog.write(NamedSet(), tmp_path_factory.mktemp("named") / "catalog.sqlite")
    yield written
    written.close()
