"""Opens the encoder of a checkpoint with one of the backends. torch is imported only when it is asked for."""

from __future__ import annotations

from pathlib import Path

from model.checkpoint import DEFAULT, Checkpoint
from model.cpu import has_byte_products
from model.encoder import Encoder
from model.errors import BackendError
from model.onnx_encoder import OnnxEncoder
from model.window_encoder import WindowEncoder, reads

NAMES = ("auto", "onnx-int8", "onnx-cuda", "onnx", "torch")
INT8 = frozenset({"auto", "onnx-int8"})  # may read in int8
SIDE_BY_SIDE = frozenset({"onnx", "onnx-int8"})  # a device wants the notes of a batch in one go, cores do not


def open_encoder(path: Path | None = None, backend: str = "onnx", *, threads: int = 0) -> Encoder:
    """Open the encoder of a checkpoint folder, by default the one that ships with the package.

    backend: "onnx" (default install, float32), "onnx-int8" (BERT checkpoints, on a CPU with VNNI), "auto" (the second
    where it runs, else the first), "onnx-cuda" (extra [gpu]) or "torch" (extra [torch]; on a GPU where there is one).
    The torch backend also takes any 768-wide Hugging Face encoder, by folder or hub id. threads: of ONNX backends on
    a CPU, 0 = all cores. Raises CheckpointError, BackendError or ModelError.
    """
    if backend == "torch":
        return _open_torch(path or DEFAULT)
    if backend == "onnx-cuda":
        from model.onnx_cuda import open_onnx_cuda

        return open_onnx_cuda(Checkpoint.open(path or DEFAULT))
    if backend in NAMES:
        return _open_onnx(Checkpoint.open(path or DEFAULT), backend, threads)
    raise BackendError(f"backend must be {', '.join(NAMES[:-1])} or {NAMES[-1]}, not {backend!r}")


def _open_onnx(checkpoint: Checkpoint, backend: str, threads: int) -> Encoder:
    bert, fast = reads(checkpoint), has_byte_products()
    if backend == "onnx-int8" and not (bert and fast):
        lacking = "a CPU with VNNI" if bert else f"a BERT checkpoint, which {checkpoint.path} is not"
        raise BackendError(f"the backend onnx-int8 needs {lacking}; onnx runs everywhere")
    if bert:
        return WindowEncoder(checkpoint, int8=fast and backend != "onnx", threads=threads)
    return OnnxEncoder(checkpoint, threads=threads)


def _open_torch(path: Path) -> Encoder:
    try:
        from model.packed.opening import open_torch

        return open_torch(path)
    except ImportError as error:
        raise BackendError("the torch backend needs the extra: pip install 'icd-cascade[torch]'") from error
