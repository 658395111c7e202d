"""A tiny BERT with random weights, exported as a checkpoint folder: the same files as the shipped one, in a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoint import Checkpoint
from tests.model.tiny import write_tiny_checkpoint


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    write_tiny_checkpoint(folder)
    return Checkpoint.open(folder)


@pytest.fixture
def tiny_copy(tmp_path: Path) -> Path:
    write_tiny_checkpoint(tmp_path / "tiny")
    return tmp_path / "tiny"
