"""ONNX Runtime on a GPU, over the same graph and weights in float32. Needs the extra [gpu]."""

from __future__ import annotations

from typing import Final

import onnxruntime as ort

from model.checkpoint import Checkpoint
from model.errors import BackendError
from model.onnx_encoder import CPU, OnnxEncoder, Provider

CUDA: Final = "CUDAExecutionProvider"
PROVIDERS: Final[tuple[Provider, ...]] = ((CUDA, {"use_tf32": "0"}), *CPU)  # TF32 would keep ten bits of a product
TOKENS: Final = 16_384  # of a run


def open_onnx_cuda(checkpoint: Checkpoint) -> OnnxEncoder:
    """The encoder on the first GPU. Raises BackendError, which says what is missing; never falls back to the CPU."""
    if CUDA not in ort.get_available_providers():
        raise BackendError(
            "the backend onnx-cuda needs an ONNX Runtime with CUDA: pip install 'icd-cascade[gpu]', then remove the "
            "wheel onnxruntime and install onnxruntime-gpu anew, since both write the same files (docs/gpu.md)"
        )
    if hasattr(ort, "preload_dlls"):
        ort.preload_dlls()  # CUDA and cuDNN as torch's wheels bring them
    encoder = OnnxEncoder(checkpoint, batch_tokens=TOKENS, providers=PROVIDERS)
    if encoder.provider != CUDA:
        raise BackendError(
            f"the backend onnx-cuda cannot open a GPU, ONNX Runtime fell back to {encoder.provider}: no device, or the "
            "driver or the CUDA and cuDNN libraries do not fit onnxruntime-gpu (docs/gpu.md)"
        )
    return encoder
