"""Token states that stay on the device where they were computed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.encoder import Integers, TokenStates
from model.nested import Floats


class DeviceStates(TokenStates):
    """As TokenStates; `states` copies all of them to the host when it is asked for, and the pipeline never asks.

    tensor: (T, R) float32; weight: (W, R) float32 of the projection, None = the states are the vectors
    """

    def __init__(self, tensor: Tensor, weight: Tensor | None, offsets: Integers, rows: Integers) -> None:
        for name, value in (("tensor", tensor), ("weight", weight), ("offsets", offsets), ("rows", rows)):
            object.__setattr__(self, name, value)

    tensor: Tensor
    weight: Tensor | None

    @cached_property
    def states(self) -> Floats:
        """(T, R) on the host."""
        return self.tensor.cpu().numpy()

    @torch.inference_mode()
    def means(self, spans: Integers) -> Floats:
        """Summed and divided on the device; what travels is a row a span."""
        if len(spans) == 0:
            return np.zeros((0, self.tensor.shape[1]), dtype=np.float32)
        lengths = spans[:, 1] - spans[:, 0]
        rows = np.arange(int(lengths.sum())) + np.repeat(spans[:, 0] - (np.cumsum(lengths) - lengths), lengths)
        gathered = self.tensor[self._there(rows)]
        counts = self._there(lengths)
        sums = torch.segment_reduce(gathered, "sum", lengths=counts)
        return (sums / counts[:, None]).cpu().numpy()

    @torch.inference_mode()
    def projected(self, rows: Integers, dimensions: int) -> Any:
        """Vectors of these tokens on the device, (n, dimensions), not normalised."""
        taken = self.tensor[self._there(rows)]
        return taken[:, :dimensions] if self.weight is None else taken @ self.weight[:dimensions].T

    def fetched(self, rows: Integers, dimensions: int) -> Floats:
        """The same on the host: one product and one transfer."""
        found: Floats = self.projected(rows, dimensions).cpu().numpy()
        return found

    def _there(self, values: Integers) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.tensor.device)
