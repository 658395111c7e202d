"""One thread for the search: its matrix products are short, and threads that spin between them wreck the tail.

The encoder keeps its cores: ONNX Runtime has a pool of its own, and torch's count is put back.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Final

import faiss
from threadpoolctl import ThreadpoolController

SWITCH_SECONDS: Final = 1e-4


def hand_over_sooner() -> None:
    """Let a thread that comes out of a matrix product wait for the interpreter a tenth of a millisecond, not five.

    Notes that are coded side by side hand it over some thousand times each; a core idles while its thread waits.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


def limit_search_threads() -> None:
    """Set the BLAS of numpy and the OpenMP threads of FAISS to one.

    OpenBLAS with its own threads, which numpy's wheels bring, takes the limit for the whole process. OpenMP counts
    threads for each calling thread: a thread that is to run FAISS, or a numpy over OpenMP, calls this itself. The first
    call takes a tenth of a second. Call it after the encoder has been opened: FAISS and torch may share one OpenMP,
    and torch wins.
    """
    torch = sys.modules.get("torch")  # only the torch backend has imported it
    encoder_threads = torch.get_num_threads() if torch else 0
    _libraries().limit(limits=1, user_api="blas")
    faiss.omp_set_num_threads(1)
    if torch:
        torch.set_num_threads(encoder_threads)


@cache
def _libraries() -> ThreadpoolController:
    """The libraries with threads of their own that are loaded: looking for them takes longer than setting them."""
    return ThreadpoolController()
