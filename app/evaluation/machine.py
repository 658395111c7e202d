"""What a figure depends on besides the code: cores, CPU features and library versions. No names of machines."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import onnxruntime

from model.cpu import CPUINFO, cores, flags

__all__ = ["cores", "cpu_flags", "describe"]

# x86 and Arm names of wide vectors, small integers and half floats: what encoders and matrix products live on.
RELEVANT = re.compile(r"avx2|fma|avx512f|avx512_?vnni|avx_vnni|avx512_(bf16|fp16)|amx_\w+|asimddp|sve2?|i8mm|bf16")


def describe(cpuinfo: Path = CPUINFO) -> dict[str, Any]:
    """Cores that this process may use, relevant CPU flags (null where the system does not tell), versions."""
    return {
        "cores": cores(),
        "cpu_flags": cpu_flags(cpuinfo),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "faiss": faiss.__version__,
    }


def cpu_flags(cpuinfo: Path = CPUINFO) -> list[str] | None:
    """The relevant ones of the first core's flags, sorted; None where they cannot be read."""
    found = flags(cpuinfo)
    return None if found is None else sorted(flag for flag in found if RELEVANT.fullmatch(flag))
