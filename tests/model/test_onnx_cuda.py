"""ONNX Runtime on a GPU: it says what is missing and never runs on the CPU in secret."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from model.checkpoint import Checkpoint
from model.errors import BackendError
from model.onnx_cuda import CUDA, PROVIDERS, open_onnx_cuda
from model.onnx_encoder import CPU, OnnxEncoder

TEXTS = ["acute pain in the left leg", "x", "", "no history of fracture " * 20]


def test_a_wheel_without_cuda_is_named(tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: list(CPU))
    with pytest.raises(BackendError, match=r"icd-cascade\[gpu\].*onnxruntime-gpu"):
        open_onnx_cuda(tiny)


@pytest.mark.skipif(CUDA in ort.get_available_providers(), reason="this wheel may open a GPU")
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_machine_without_a_gpu_is_named(tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel claims CUDA, and the session opens with the CPU alone, as on a machine without a driver."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: [CUDA, *CPU])
    monkeypatch.setattr(ort, "preload_dlls", lambda: None, raising=False)
    with pytest.raises(BackendError, match=r"fell back to CPUExecutionProvider.*driver"):
        open_onnx_cuda(tiny)


def test_the_cpu_is_the_default_and_says_so(tiny: Checkpoint) -> None:
    encoder = OnnxEncoder(tiny, threads=1)
    assert (encoder.provider, encoder.info.backend) == ("CPUExecutionProvider", "onnx")
    assert PROVIDERS[0] == (CUDA, {"use_tf32": "0"})


@pytest.mark.skipif(CUDA not in ort.get_available_providers(), reason="no ONNX Runtime with CUDA")
def test_the_gpu_gives_the_states_of_the_cpu(tiny: Checkpoint) -> None:
    there, here = open_onnx_cuda(tiny), OnnxEncoder(tiny, threads=1)
    assert there.info.backend == "onnx-cuda"
    np.testing.assert_allclose(there.encode(TEXTS).states, here.encode(TEXTS).states, atol=1e-3)
