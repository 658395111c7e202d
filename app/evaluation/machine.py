"""What a figure depends on besides the code: cores, CPU features and library versions. No names of machines."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import onnxruntime

CPUINFO = Path("/proc/cpuinfo")
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


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_flags(cpuinfo: Path = CPUINFO) -> list[str] | None:
    """The relevant ones of the first core's flags, sorted; None where they cannot be read."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return sorted({flag for flag in line[1].split() if RELEVANT.fullmatch(flag)}) if line else None
