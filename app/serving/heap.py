"""What the interpreter and the allocator keep: a service loads much once, and holds it for weeks."""

from __future__ import annotations

import ctypes
import gc


def trim() -> None:
    """Give freed memory back to the system. Without glibc: nothing.

    glibc keeps what a closed pipeline leaves in the arenas of the threads that opened it, about 100 MB a swap.
    """
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)


def loading() -> None:
    """Collect no garbage: what is imported and read stays, and looking through it again and again takes .3 s."""
    gc.disable()


def loaded() -> None:
    """Collect garbage again, but never look at what there is now."""
    gc.freeze()
    gc.enable()


def thaw() -> None:
    """What was loaded may become garbage."""
    gc.unfreeze()
