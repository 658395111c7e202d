"""Runs of fixed shapes: inputs are written into buffers that stay, and on a GPU the run is a recorded CUDA graph.

A small encoder's kernels are shorter than their launches: recorded, the whole pass is one launch. The fixed number of
tokens has a second use: a matrix product may round otherwise for another number of rows, and here there is none, so a
text's states do not depend on what shares the run.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.packed.attention import Bounds
from model.packed.network import Network
from model.packed.packing import Packed, filled

MOST = 24  # recorded shapes kept; the least recently used one goes
_WARM_UP = 2  # runs before recording: compilation, workspaces


@dataclass(slots=True)
class _Recording:
    """The buffers of one shape, and its graph; without a GPU there is none, and the network runs over the buffers."""

    ids: Tensor
    positions: Tensor
    bounds: Bounds
    graph: torch.cuda.CUDAGraph | None = None
    states: Tensor | None = None


class RecordedRuns:
    """Runs of exactly `tokens` tokens; fewer are filled up with sequences of padding.

    The states that a call returns are overwritten by the next call of the same shape: read them first, on the same
    stream. One thread at a time: `lock` is held by whoever calls.
    """

    def __init__(self, network: Network, device: torch.device, tokens: int) -> None:
        self._network = network
        self._device = device
        self._tokens = tokens
        self._recordings: OrderedDict[tuple[int, int, int], _Recording] = OrderedDict()
        self._pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None
        self.lock = threading.Lock()

    @property
    def shapes(self) -> tuple[tuple[int, int, int], ...]:
        """Tokens, sequences and longest of what is recorded."""
        return tuple(self._recordings)

    def __call__(self, packed: Packed) -> Tensor:
        """(tokens, R); the first rows are those of `packed`. Raises ValueError for more than fit."""
        full = filled(packed, self._tokens)
        recording = self._recordings.get(full.shape)
        if recording is None:
            recording = self._recordings[full.shape] = self._record(full)
            while len(self._recordings) > MOST:
                self._recordings.popitem(last=False)
        self._recordings.move_to_end(full.shape)
        self._write(recording, full)
        if recording.graph is None or recording.states is None:
            return self._network(recording.ids, recording.positions, recording.bounds)
        recording.graph.replay()
        return recording.states

    def _write(self, recording: _Recording, full: Packed) -> None:
        for buffer, values in (
            (recording.ids, full.ids),
            (recording.positions, full.positions),
            (recording.bounds.starts, full.starts.astype(np.int32)),
        ):
            buffer.copy_(torch.from_numpy(values))
        if recording.graph is None:  # only a kernel that groups by length reads them, and none such is recorded
            recording.bounds = Bounds(recording.bounds.starts, tuple(np.diff(full.starts).tolist()), full.longest)

    def _record(self, full: Packed) -> _Recording:
        made = _Recording(
            torch.tensor(full.ids, device=self._device),
            torch.tensor(full.positions, device=self._device),
            Bounds.of(full, self._device),
        )
        if self._device.type != "cuda":
            return made
        side = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                self._network(made.ids, made.positions, made.bounds)
        torch.cuda.current_stream(self._device).wait_stream(side)
        made.graph = torch.cuda.CUDAGraph()
        # Other threads search on the same device meanwhile, and may allocate: that must not break the recording.
        with torch.cuda.graph(made.graph, pool=self._pool, capture_error_mode="thread_local"):
            made.states = self._network(made.ids, made.positions, made.bounds)
        return made
