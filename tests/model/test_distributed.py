"""Two processes over gloo do what one does with the same batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.training.distributed import World
from tests.model.sharing import train


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
def test_two_processes_have_the_weights_and_gradients_of_one(tmp_path: Path) -> None:
    settings = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.model.sharing", str(tmp_path)],
            env={**os.environ, **settings, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=Path(__file__).parents[2],
        )
        for rank in range(2)
    ]
    alone = train(tmp_path / "alone", World())
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    expected = [*alone.network.parameters(), *alone.weighting.parameters()]
    ranks = [torch.load(tmp_path / f"rank-{rank}.pt") for rank in range(2)]
    for parameter, one, other in zip(expected, *ranks, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
        assert parameter.grad is not None
        torch.testing.assert_close(one[0], parameter.detach(), atol=2e-5, rtol=1e-3)
        torch.testing.assert_close(one[1], parameter.grad, atol=1e-4, rtol=1e-2)
    assert (tmp_path / "shared" / "state.pt").exists()


def test_shares_cover_every_item_once() -> None:
    for count in (0, 1, 5, 8):
        shares = [World(rank, 3).share(count) for rank in range(3)]
        assert [i for share in shares for i in range(count)[share]] == list(range(count))


def test_one_process_needs_no_group() -> None:
    own = torch.randn(3, 2, requires_grad=True)
    assert World().gather(own, 3) is own
