"""Opens the torch backend: without padding where the encoder has such a pass, else as Hugging Face runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model.checkpoint import MANIFEST, Checkpoint
from model.encoder import Encoder
from model.packed.encoder import PackedEncoder
from model.packed.network import Placement, network_of

CONTEXT = 8192  # tokens: longer windows than any encoder here has


def open_torch(path: Path) -> Encoder:
    """A checkpoint folder, or any 768-wide Hugging Face encoder by folder or hub id. Raises ModelError."""
    return _of_checkpoint(Checkpoint.open(path)) if (path / MANIFEST).exists() else _of_hugging_face(path)


def _of_checkpoint(checkpoint: Checkpoint) -> Encoder:
    try:
        return PackedEncoder.from_checkpoint(checkpoint)
    except ValueError:
        from model.torch_encoder import TorchEncoder

        return TorchEncoder.from_checkpoint(checkpoint)


def _of_hugging_face(source: Path) -> Encoder:
    from model.torch_encoder import TorchEncoder, describe, load, tokenizer_of

    backbone, where = load(source), Placement.best()
    info, config = describe(backbone, source, CONTEXT), backbone.config
    numbers: dict[str, Any] = config.to_dict()  # type: ignore[union-attr, operator]
    try:
        network = network_of(numbers, backbone.state_dict(), (-1,), where)
    except ValueError:
        return TorchEncoder.from_hugging_face(source, max_tokens=CONTEXT)
    return PackedEncoder(network, tokenizer_of(source), None, info, where)
