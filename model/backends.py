"""Opens the encoder of a checkpoint with one of the backends. torch is imported only when it is asked for."""

from __future__ import annotations

from pathlib import Path

from model.checkpoint import DEFAULT, MANIFEST, Checkpoint
from model.encoder import Encoder
from model.errors import BackendError
from model.onnx_encoder import OnnxEncoder


def open_encoder(path: Path | None = None, backend: str = "onnx", *, threads: int = 0) -> Encoder:
    """Open the encoder of a checkpoint folder, by default the one that ships with the package.

    backend: "onnx" (default install) or "torch" (extra [torch]). The torch backend also takes any 768-wide Hugging
    Face encoder, by folder or hub id. Raises CheckpointError, BackendError or ModelError.
    """
    if backend == "onnx":
        return OnnxEncoder(Checkpoint.open(path or DEFAULT), threads=threads)
    if backend == "torch":
        return _open_torch(path or DEFAULT)
    raise BackendError(f"backend must be onnx or torch, not {backend!r}")


def _open_torch(path: Path) -> Encoder:
    try:
        from model.torch_encoder import TorchEncoder
    except ImportError as error:
        raise BackendError("the torch backend needs the extra: pip install 'icd-cascade[torch]'") from error
    if (path / MANIFEST).exists():
        return TorchEncoder.from_checkpoint(Checkpoint.open(path))
    return TorchEncoder.from_hugging_face(path)
