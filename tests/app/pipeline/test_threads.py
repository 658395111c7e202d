"""Each in a process of its own: the limit lasts, and what is imported before it matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

SETUP = """
import json
from concurrent.futures import ThreadPoolExecutor
from threadpoolctl import threadpool_info
from app.pipeline.threads import limit_search_threads
"""
NUMPY = "[pool['num_threads'] for pool in threadpool_info() if 'numpy' in pool['filepath']]"


def answer(program: str, expression: str) -> Any:
    """What the expression is after the program, in a process whose libraries would take two threads each."""
    two = {f"{library}_NUM_THREADS": "2" for library in ("OMP", "OPENBLAS", "MKL")}
    whole = f"{SETUP}{program}\nprint(json.dumps({expression}))"
    done = subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, check=True, env={**os.environ, **two}
    )
    return json.loads(done.stdout)


def test_blas_and_openmp_have_one_thread_afterwards() -> None:
    counts = "[pool['num_threads'] for pool in threadpool_info()]"
    before, after = answer(f"before = {counts}; limit_search_threads()", f"[before, {counts}]")
    if os.cpu_count() == 1:
        pytest.skip("one core: nothing to limit")
    assert set(before) == {2}
    assert set(after) == {1}


def test_limit_of_numpy_holds_in_threads_that_did_not_ask_for_it() -> None:
    elsewhere = f"ThreadPoolExecutor(1).submit(lambda: {NUMPY}).result()"
    before, after = answer(f"before = {elsewhere}; limit_search_threads()", f"[before, {elsewhere}]")
    if not before or os.cpu_count() == 1:
        pytest.skip("nothing to limit, or numpy does not bring its own BLAS")
    assert (before, after) == ([2], [1])


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_torch_keeps_its_threads() -> None:
    program = "import torch; torch.set_num_threads(2); limit_search_threads()"
    assert answer(program, f"[torch.get_num_threads(), *{NUMPY}]") in ([2], [2, 1])
