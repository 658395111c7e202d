"""Memory that the allocator keeps after a pipeline is gone."""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Give freed memory back to the system. Without glibc: nothing.

    glibc keeps what a closed pipeline leaves in the arenas of the threads that opened it, about 100 MB a swap.
    """
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)
