"""What the processor can do, as the operating system tells it."""

from __future__ import annotations

import os
import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BYTE_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni"})  # products of bytes, summed in 32 bits


def flags(cpuinfo: Path = CPUINFO) -> frozenset[str] | None:
    """The first core's feature flags; None where they cannot be read."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(line[1].split()) if line else None


def has_byte_products(cpuinfo: Path = CPUINFO) -> bool:
    """Whether int8 is exact and fast here. x86 without VNNI sums pairs in 16 bits, which overflow.

    False where the system does not tell, and on Arm, where nothing was measured.
    """
    return not BYTE_PRODUCTS.isdisjoint(flags(cpuinfo) or ())


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
