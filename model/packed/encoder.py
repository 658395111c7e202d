"""The torch backend of encoders with an unpadded pass: bfloat16 on a GPU, float32 on a CPU. Needs the extra [torch]."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from model.checkpoint import Checkpoint
from model.encoder import ModelInfo
from model.errors import CheckpointError
from model.nested import Floats
from model.packed.attention import Bounds, varlen
from model.packed.device_states import DeviceStates
from model.packed.network import Network, Placement, network_of
from model.packed.packing import Packed, kept_rows, pack
from model.packed.recorded import RecordedRuns
from model.tokenization import TextTokenizer, Window, window_batches

GPU_TOKENS = 16_384  # of every run on a GPU
CPU_TOKENS = 4_096


class PackedEncoder:
    """Token states that stay on the device, of windows laid end to end without padding.

    projection: (768, R), or None for an encoder whose state is 768 wide already
    batch_tokens: most tokens of a run; on a GPU every run has so many, filled up (model/packed/recorded.py)
    fixed: whether runs are of a fixed number of tokens; by default on a GPU only
    """

    def __init__(
        self,
        network: Network,
        tokenizer: TextTokenizer,
        projection: Floats | None,
        info: ModelInfo,
        placement: Placement,
        *,
        batch_tokens: int | None = None,
        fixed: bool | None = None,
    ) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._info = info
        self._placement = placement
        on_gpu = placement.device.type == "cuda"
        self._budget = max(batch_tokens or (GPU_TOKENS if on_gpu else CPU_TOKENS), info.max_tokens)
        wanted = network.kernel is varlen if fixed is None else fixed
        self._runs = RecordedRuns(network, placement.device, self._budget) if wanted else None
        self._weight = None if projection is None else torch.tensor(projection, device=placement.device)

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint: Checkpoint,
        *,
        placement: Placement | None = None,
        batch_tokens: int | None = None,
        fixed: bool | None = None,
    ) -> PackedEncoder:
        """A trained checkpoint. Raises ValueError for an architecture without an unpadded pass."""
        where = placement or Placement.best()
        config: dict[str, Any] = json.loads((checkpoint.path / "config.json").read_text())
        weights = checkpoint.path / "model.safetensors"
        try:
            network = network_of(config, load_file(weights), checkpoint.layers, where)
        except KeyError as error:
            raise CheckpointError(f"{weights}: the tensor {error} is missing") from None
        tokenizer = TextTokenizer(checkpoint.tokenizer_path, first=checkpoint.first, last=checkpoint.last)
        projection = checkpoint.projection()
        info = checkpoint.info("torch")
        return cls(network, tokenizer, projection, info, where, batch_tokens=batch_tokens, fixed=fixed)

    @property
    def info(self) -> ModelInfo:
        """What this encoder is."""
        return self._info

    @property
    def device(self) -> str:
        """Where the states are."""
        return str(self._placement.device)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> DeviceStates:
        """States of the texts' tokens, in order, on the device. Long texts go through overlapping windows."""
        tokens = self._tokenizer.tokenize(texts)
        batches = window_batches(tokens.rows, self._info.max_tokens, self._budget)
        states = torch.empty(len(tokens.ids), self._network.width, device=self._placement.device)
        for batch in batches:
            self._encode(batch, pack(batch, tokens.ids, self._tokenizer.first, self._tokenizer.last), states)
        return DeviceStates(states, self._weight, tokens.offsets, tokens.rows)

    @torch.inference_mode()
    def project(self, states: Floats) -> Floats:
        """(N, R) -> (N, 768), not normalised, by a product on the device."""
        if self._weight is None:
            return states
        there = torch.tensor(states, device=self._placement.device)
        return np.asarray((there @ self._weight.T).cpu().numpy(), dtype=np.float32)

    def _encode(self, batch: Sequence[Window], packed: Packed, states: Tensor) -> None:
        device = self._placement.device
        sources, targets = (torch.from_numpy(rows).to(device) for rows in kept_rows(batch, packed))
        if self._runs is not None:
            with self._runs.lock:  # until its buffers are read
                states[targets] = self._runs(packed)[sources].float()
            return
        ids, positions = (torch.from_numpy(values).to(device) for values in (packed.ids, packed.positions))
        states[targets] = self._network(ids, positions, Bounds.of(packed, device))[sources].float()
