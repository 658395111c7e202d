"""Data-parallel training: every process embeds its share of a batch, and all see the vectors of the whole batch.

All processes draw the same batch. Each computes the whole loss over the gathered vectors, of which its own carry
gradient; the sum of the processes' gradients is therefore the gradient of one process with the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

_PATIENCE = timedelta(hours=12)  # others wait while the first process mines with the index


@dataclass(frozen=True, slots=True)
class World:
    """This process among those of a run; one process alone needs no group."""

    rank: int = 0
    size: int = 1

    @classmethod
    def open(cls) -> World:
        """From torchrun's environment; a run of its own without it. NCCL between GPUs, gloo between CPUs."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
        return cls(dist.get_rank(), size)

    @property
    def first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's part of `count` items; the parts follow each other in the order of ranks."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def gather(self, own: Tensor, count: int) -> Tensor:
        """The rows of all processes, (count, D), in the order of the items; only this one's carry gradient."""
        if self.size == 1:
            return own
        shares = [World(rank, self.size).share(count) for rank in range(self.size)]
        longest = max(share.stop - share.start for share in shares)
        padded = own.new_zeros(longest, own.shape[1])
        padded[: len(own)] = own.detach()
        found = [torch.empty_like(padded) for _ in shares]
        dist.all_gather(found, padded)
        parts = [rows[: share.stop - share.start] for rows, share in zip(found, shares, strict=True)]
        parts[self.rank] = own
        return torch.cat(parts)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over the processes. A process without a gradient adds zero."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)

    def spread(self, module: nn.Module) -> None:
        """Give all processes the first one's weights and buffers."""
        if self.size > 1:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, src=0)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()

    def close(self) -> None:
        """Leave the group."""
        if self.size > 1:
            dist.destroy_process_group()
