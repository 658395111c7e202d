"""A checkpoint that is not what its manifest says is refused, and the file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoint import DEFAULT, Checkpoint
from model.errors import CheckpointError


def _flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "2_Dense/model.safetensors", "encoder.onnx"])
def test_a_flipped_bit_is_refused(tiny_copy: Path, name: str) -> None:
    _flip_a_bit(tiny_copy / name)
    with pytest.raises(CheckpointError, match=name):
        Checkpoint.open(tiny_copy)


def test_a_truncated_file_is_refused(tiny_copy: Path) -> None:
    file = tiny_copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"model.safetensors: .*truncated"):
        Checkpoint.open(tiny_copy)


def test_a_missing_file_is_refused(tiny_copy: Path) -> None:
    (tiny_copy / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="tokenizer.json: missing"):
        Checkpoint.open(tiny_copy)


def test_a_changed_manifest_is_refused(tiny_copy: Path) -> None:
    manifest = tiny_copy / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": "', '"version": "0'))
    with pytest.raises(CheckpointError, match=r"manifest.json: version"):
        Checkpoint.open(tiny_copy)


def test_the_version_follows_the_content(tiny: Checkpoint, tmp_path: Path) -> None:
    from tests.model.tiny import write_tiny_checkpoint

    assert write_tiny_checkpoint(tmp_path / "same") == tiny.version
    assert write_tiny_checkpoint(tmp_path / "other", seed=1) != tiny.version


def test_the_shipped_checkpoint_is_whole_and_small() -> None:
    checkpoint = Checkpoint.open(DEFAULT)
    size = sum(file.stat().st_size for file in DEFAULT.rglob("*") if file.is_file())
    assert checkpoint.info("onnx").width == 768
    assert size <= 48 * 2**20
