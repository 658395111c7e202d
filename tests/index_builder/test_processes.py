"""Chunks encoded in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index_builder.build import build
from index_builder.manifest import read_manifest
from index_builder.processes import EncoderSource, encoding_processes
from model.backends import open_encoder
from model.errors import ModelError
from tests.index_builder.fakes import FakeCodeSet
from tests.model.tiny import write_tiny_checkpoint

SMALL = 150  # characters per chunk: about a dozen chunks

KILLED = """
import os, signal, sys
from pathlib import Path
from index_builder.embedding import ChunkJob
from index_builder.processes import EncoderSource, encoding_processes

if __name__ == "__main__":
    folder = Path(sys.argv[2])
    jobs = (ChunkJob(n, ["asthma"], folder / f"{n}.npz") for n in range(4))
    with encoding_processes(EncoderSource(Path(sys.argv[1]), "onnx"), 2) as pool:
        for _ in pool.run(jobs):
            print(*pool._executor._processes, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_two_processes_make_the_bytes_of_one(tmp_path: Path) -> None:
    write_tiny_checkpoint(tmp_path / "model")
    source = EncoderSource(tmp_path / "model", "onnx")
    encoder = open_encoder(source.path, source.backend, threads=1)
    alone = build(FakeCodeSet(), encoder, tmp_path / "a", builder_version="1", batch_characters=SMALL)
    with encoding_processes(source, 2) as pool:
        shared = build(FakeCodeSet(), encoder, tmp_path / "b", builder_version="1", batch_characters=SMALL, pool=pool)
    assert shared.name == alone.name
    for name in read_manifest(alone).files:
        assert (shared / name).read_bytes() == (alone / name).read_bytes()


def test_an_encoder_that_cannot_be_opened_ends_the_build(tmp_path: Path) -> None:
    write_tiny_checkpoint(tmp_path / "model")
    encoder = open_encoder(tmp_path / "model", "onnx", threads=1)
    with (
        pytest.raises((ModelError, OSError, RuntimeError)),
        encoding_processes(EncoderSource(tmp_path, "onnx"), 2) as pool,
    ):
        build(FakeCodeSet(), encoder, tmp_path / "a", builder_version="1", batch_characters=SMALL, pool=pool)


def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    write_tiny_checkpoint(tmp_path / "model")
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "model"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    workers = [int(word) for word in ended.stdout.split()]
    assert len(workers) == 2
    until = time.monotonic() + 20
    while any(_runs(worker) for worker in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(_runs(worker) for worker in workers)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
